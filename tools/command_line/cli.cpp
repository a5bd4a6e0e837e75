#include "tools/command_line/cli.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <new>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "core/error.hpp"
#include "core/names.hpp"
#include "core/paths.hpp"
#include "core/threads.hpp"
#include "tools/command_line/option_list.hpp"
#include "tools/command_line/switches.hpp"

namespace scimix {

namespace {

// Returns the long names of all options, without dashes.
std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back(name);
  }
  return names;
}

std::string suggestion(const CLI::App& app, const std::string& word, const std::string& dashes) {
  const std::string nearest = nearest_name(word, option_names(app));
  return nearest.empty() ? "" : "; did you mean " + dashes + nearest + "?";
}

// Returns the type of the setting that has the type of the option's variable.
SettingType number_type(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (type == "UINT") return SettingType::seed;
  if (type == "INT") return SettingType::whole;
  SCIMIX_CHECK(type == "FLOAT", option.get_name(), " is no number, but ", type);
  return SettingType::number;
}

}  // namespace

void check_number(CLI::Option* option, const SettingRange& range) {
  Setting setting;
  setting.name = option->get_lnames().front();
  setting.range = range;
  setting.type = number_type(*option);
  // CLI11 reads 010 as an octal number, so the word is replaced by what parse_value has read.
  option->transform(CLI::Validator(
      [setting](std::string& word) {
        word = text_of(parse_value(setting, word, {}));
        return std::string();
      },
      ""));
}

CLI::Validator not_empty() {
  return CLI::Validator(
      [](const std::string& word) {
        return word.empty() ? std::string("is empty, expected a name") : std::string();
      },
      "");
}

void use_setting_defaults(CLI::App& app) {
  app.option_defaults()->always_capture_default()->multi_option_policy(
      CLI::MultiOptionPolicy::TakeLast);
}

void add_threads(CLI::App& app, const std::string& group) {
  check_number(app.add_option_function<int>(
                      "--threads", [](int count) { use_threads(count); },
                      "threads of the CPU; 0: the value of OMP_NUM_THREADS, or else the cores that "
                      "this process may use")
                   ->group(group)
                   ->default_str("0"),
               {.least = 0, .most = 4096});
}

namespace {

// Checks that the program has understood every word. Errors (user): a word that is neither an
// option nor an argument of `app`.
void check_extras(const CLI::App& app) {
  std::vector<std::string> extras = app.remaining();
  std::erase(extras, "--");  // what stands behind it has been read
  if (extras.empty()) return;
  const std::string& word = extras.front();
  if (!word.starts_with('-')) user_error("unexpected argument ", shown(word));
  std::string name = word.substr(std::min(word.find_first_not_of('-'), word.size()));
  name = name.substr(0, name.find('='));
  std::string hint = suggestion(app, name, "--");
  std::error_code ignored;
  // No option has a dot in its name.
  const bool is_file =
      std::filesystem::exists(word, ignored) || name.find('.') != std::string::npos;
  if (takes_files(app) && (is_file || !word.starts_with("--"))) {
    if (is_file) hint.clear();
    hint += " (for a file of this name write ./" + shown(word) + ", or put it after --)";
  }
  user_error("unknown option ", shown(word), hint);
}

// Returns CLI11's message about a missing option or argument with the description of it.
std::string described(const CLI::App& app, const std::string& message) {
  for (const CLI::Option* option : app.get_options()) {
    if (message != option->get_name() + " is required") continue;
    return message + " (" + option->get_description() + ")";
  }
  return message;
}

}  // namespace

std::optional<int> parse(CLI::App& app, std::vector<std::string> arguments) {
  if (asks_for_options(arguments)) {
    hand_over(options_of(app));
    return 0;
  }
  app.allow_extras();  // collected, so that the message can suggest the nearest name
  add_switch_note(app);
  arguments = with_switch_values(app, arguments);
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 reads from the back
    app.parse(arguments);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::RequiredError& error) {
    check_extras(app);  // the missing argument may be a word that looks like an option
    user_error(described(app, error.what()));
  } catch (const CLI::ArgumentMismatch& error) {
    // CLI11 says "--out: 1 required TEXT missing".
    const std::string message = error.what();
    user_error(message.substr(0, message.find(':')), ": no value follows, expected one");
  } catch (const CLI::ParseError& error) {
    user_error(error.what());
  }
  check_extras(app);
  return std::nullopt;
}

namespace {

// The message and the exit code for an exception.
struct Failure {
  std::string message;
  int exit_code;
};

// Returns whether an error of the system comes from the files, the limits or the machine of the
// user. The other errors (such as EINVAL and EBADF) come from wrong calls of this program.
bool is_users(const std::error_code& code) {
  const bool of_system =
      code.category() == std::generic_category() || code.category() == std::system_category();
  static const std::set<int> errors{
      // files
      ENOENT, EACCES, EPERM, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, ELOOP, ENAMETOOLONG, EXDEV, EROFS,
      EMLINK, ETXTBSY, ENOTSUP, EOPNOTSUPP,
      // devices, and file systems of other machines
      EIO, ENXIO, ENODEV, EBUSY, ESTALE, ETIMEDOUT, EHOSTDOWN, ENOTCONN, EREMOTEIO, ENOLINK,
      ENOTBLK, EPIPE,
      // limits
      ENOSPC, EDQUOT, EFBIG, EOVERFLOW, EMFILE, ENFILE, ENOMEM, EAGAIN, ENOLCK};
  return of_system && errors.contains(code.value());
}

// Returns one line with the paths of an error and its reason.
std::string describe(const std::filesystem::filesystem_error& error) {
  if (error.path1().empty()) return shown(error.what());
  std::string paths = shown(error.path1());
  if (!error.path2().empty()) paths += ", " + shown(error.path2());
  return paths + ": cannot be used: " + reason_of(error.code().value());
}

Failure current_failure() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.what(), error.fault() == Fault::user ? kExitUserError : kExitBug};
  } catch (const std::bad_alloc&) {
    return {
        "out of host memory: use a smaller --batch or network, fewer or smaller images, or a "
        "machine with more memory",
        kExitUserError};
  } catch (const std::filesystem::filesystem_error& error) {
    if (!is_users(error.code())) return {std::string("unexpected: ") + error.what(), kExitBug};
    return {describe(error), kExitUserError};
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) {
      return {
          "the system cannot start more threads: raise the limits of threads or memory (ulimit -u, "
          "-v)",
          kExitUserError};
    }
    if (!is_users(error.code())) return {std::string("unexpected: ") + error.what(), kExitBug};
    return {shown(error.what()), kExitUserError};
  } catch (const std::exception& error) {
    return {std::string("unexpected: ") + error.what(), kExitBug};
  }
}

// Checks the limit on the address space. With a smaller limit, the BLAS library crashes. (Below
// about 200 MB it hangs while it is loaded, before main.)
void check_address_space() {
  constexpr rlim_t kLeast = rlim_t{384} << 20;
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur >= kLeast) return;
  user_error("memory is limited to ", limit.rlim_cur >> 20, " MB (ulimit -v), expected at least ",
             kLeast >> 20);
}

void say(const std::string& name, const std::string& message) {
  std::cerr << name + ": " + message + '\n' << std::flush;  // one write: ranks don't mix lines
}

// Returns whether standard output is a pipe from which nobody reads any more, as after "| head".
bool reader_has_left() {
  pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace

int run_program(const std::string& name, const std::function<int()>& body) {
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit of a file's size then fails with EFBIG
  std::signal(SIGPIPE, SIG_IGN);  // a write to a closed pipe then fails with EPIPE
  try {
    check_address_space();
    use_threads(0);
    const int exit_code = body();
    std::cout.flush();
    if (!std::cout && !reader_has_left()) {
      user_error("standard output cannot be written: is the disk full?");
    }
    return exit_code;
  } catch (...) {
    const Failure failure = current_failure();
    say(name, failure.message);
    return failure.exit_code;
  }
}

int run_program_on_ranks(const std::string& name, const std::function<int(Ranks&)>& body) {
  return run_program(name, [&] {
    Ranks ranks;
    if (ranks.size() == 1) return body(ranks);
    if (ranks.rank() != 0) std::cout.setstate(std::ios::badbit);
    try {
      const int exit_code = body(ranks);
      if (ranks.rank() != 0) std::cout.clear();
      return exit_code;
    } catch (...) {
      const Failure failure = current_failure();
      if (ranks.rank() == 0) {
        say(name, failure.message);
      } else {
        // If rank 0 has the same error, it prints the error and ends this process during the wait.
        std::this_thread::sleep_for(std::chrono::seconds(2));
        say(name, "rank " + std::to_string(ranks.rank()) + ": " + failure.message);
      }
      ranks.abort(failure.exit_code);
    }
  });
}

}  // namespace scimix
