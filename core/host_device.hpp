// Marks a function that runs on both sides. Outside nvcc the marks vanish, so that the same source
// is plain C++.
#pragma once

#ifdef __CUDACC__
#define SCIMIX_HD __host__ __device__
#else
#define SCIMIX_HD
#endif
