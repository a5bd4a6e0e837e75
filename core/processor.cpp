// Ends the program with one line on a processor without AVX2, FMA or BMI2, if this build uses AVX2.
// Otherwise the first such instruction would kill the program without a message.

#include <unistd.h>

#include <cstring>

#if defined(__x86_64__) && defined(__AVX2__)
namespace scimix {
namespace {

// Runs before the constructors of all other static objects, which may use such instructions.
__attribute__((constructor(101))) void check_processor() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
      __builtin_cpu_supports("bmi2") != 0) {
    return;
  }
  constexpr const char* kMessage =
      "scimix: this build needs a processor with AVX2, FMA and BMI2 (x86-64-v3), and this one "
      "lacks them; build it on this machine, with -DSCIMIX_NATIVE=ON\n";
  static_cast<void>(::write(STDERR_FILENO, kMessage, std::strlen(kMessage)) < 0);
  ::_exit(2);
}

}  // namespace
}  // namespace scimix
#endif
