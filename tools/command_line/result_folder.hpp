// A folder that a program writes where the user asks for it.
#pragma once

#include <filesystem>
#include <string>

namespace scimix {

// Creates a folder under a temporary name, and the folders above it. commit() gives it its final
// name; without commit() the destructor removes it. Errors (user): those of the file system.
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

// Returns the path without a slash at its end.
[[nodiscard]] std::filesystem::path without_slash(const std::filesystem::path& path);

// Returns the folder name for a class. Errors (user): a name that would lead out of the folder,
// such as ".." or "a/b".
[[nodiscard]] std::filesystem::path class_folder(const std::string& class_name);

}  // namespace scimix
