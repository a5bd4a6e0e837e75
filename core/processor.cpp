// Ends the program in time, with one line, on a processor that lacks instructions which the
// compiler may have used anywhere in this build. Otherwise the first such instruction would kill it
// without a word.

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
      "lacks "
      "them; compile it on this machine, where it then uses what there is\n";
  static_cast<void>(::write(STDERR_FILENO, kMessage, std::strlen(kMessage)) < 0);
  ::_exit(2);
}

}  // namespace
}  // namespace scimix
#endif
