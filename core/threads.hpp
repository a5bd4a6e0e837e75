// How many threads of the CPU a program uses, and how long they wait actively for each other.
#pragma once

namespace scimix {

// Returns the default number of threads of one of several processes on this machine: the value of
// OMP_NUM_THREADS if it is set, otherwise the number of cores that this process may use, but no
// more than its CPU quota (core/control_group.hpp), rounded up. Both limits are divided by
// `processes_here`. The cores are not divided if this process may use only some of the machine's:
// then they count as its own.
[[nodiscard]] int default_threads(int processes_here = 1);

// Makes the calling thread compute with `count` threads, or with default_threads(processes_here) if
// `count` is 0.
void use_threads(int count, int processes_here = 1);

// Returns the number of threads with which the calling thread computes.
[[nodiscard]] int thread_count();

// Makes threads that wait for each other sleep after some microseconds. By default, threads of
// libgomp wait actively for milliseconds, on the cores that other programs need: beside other
// programs, a step may then take ten times as long. libgomp reads this setting from the environment
// only when it is loaded, so this function sets the variable GOMP_SPINCOUNT and starts the program
// `argv` anew. It returns if this is not needed: the environment has a setting already, or there is
// only one thread.
void restart_with_short_waits(char** argv);

}  // namespace scimix
