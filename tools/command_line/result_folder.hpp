// A folder that a program writes where the user asks for it.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>

namespace scimix {

// Creates a folder under a temporary name, and the folders above it. commit() gives it its final
// name, normal_folder(path); without commit() the destructor removes it. Errors (user): those of
// the file system.
class ResultFolder {
 public:
  explicit ResultFolder(const std::filesystem::path& path);
  ~ResultFolder();
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;

  // Returns the temporary folder to write into.
  [[nodiscard]] const std::filesystem::path& path() const { return temporary_; }
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
};

// Makes a folder and those above it. Errors (user): the file system's.
void make_folder(const std::filesystem::path& path);

// Returns the path of a folder without "." and "..", and without a slash at its end. For a link to
// a folder, returns the path of that folder.
[[nodiscard]] std::filesystem::path normal_folder(const std::filesystem::path& path);

// Checks, before the work is done, that ResultFolder can make the folder. Errors (user): those of
// check_result_folder (core/result_file.hpp); the current folder. The message starts with `option`.
void check_new_folder(const std::string& option, const std::filesystem::path& path);

// A result that the user asks for: the option, and its value, which is empty if the option is not
// given.
struct NamedResult {
  const char* option = nullptr;
  std::filesystem::path path;
};

// Checks that the results do not overwrite each other. Errors (user): two results with the same
// path, or one in the folder that is another one.
void check_apart(std::initializer_list<NamedResult> results);

// Returns the folder name for a class. Errors (user): a name that would lead out of the folder,
// such as ".." or "a/b"; a name of more than 255 bytes.
[[nodiscard]] std::filesystem::path class_folder(const std::string& class_name);

}  // namespace scimix
