// Where the pixels of many images are while a program uses them: in memory, or in a file of which
// the system holds as many pages in memory as there is room for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "core/choice.hpp"

namespace scimix {

// Automatic: on disk if the pixels take more than a quarter of the memory.
enum class ImageStorage { automatic, memory, disk };
template <>
inline constexpr std::array<Named<ImageStorage>, 3> kChoiceNames<ImageStorage>{
    {{ImageStorage::automatic, "auto"},
     {ImageStorage::memory, "memory"},
     {ImageStorage::disk, "disk"}}};

struct StorageChoice {
  ImageStorage storage = ImageStorage::automatic;
  // Where a file of pixels is made. Empty: there is no such folder, and pixels stay in memory.
  std::filesystem::path folder = {};
};

// Returns the bytes of memory that this process can use: those of the machine or of its control
// group (cgroup), whichever are fewer.
[[nodiscard]] std::uint64_t usable_memory();

// Returns whether `bytes` of pixels belong into a file, if the process can use `memory` bytes.
[[nodiscard]] bool belongs_on_disk(std::uint64_t bytes, const StorageChoice& choice,
                                   std::uint64_t memory);

// Makes files without a name in a folder and maps them into memory. No other program can change
// such a file, and the system removes it when the last mapping goes, also after a crash. The whole
// size is reserved on the disk when a file is made, so that a full disk is an error at once.
class PixelFiles {
 public:
  // Makes the folder if it does not exist.
  explicit PixelFiles(std::filesystem::path folder);
  ~PixelFiles();
  PixelFiles(const PixelFiles&) = delete;
  PixelFiles& operator=(const PixelFiles&) = delete;

  // Returns a new mapping of `bytes` zeros. Errors (user): the disk is full; the folder cannot be
  // written.
  [[nodiscard]] std::uint8_t* map(std::size_t bytes);
  // Removes the mapping from this object. Its memory stays valid for others that share it.
  void release(const std::uint8_t* address) noexcept;
  // Returns shared ownership of a mapping, for readers that may outlive the vector.
  [[nodiscard]] std::shared_ptr<std::byte> share(const std::uint8_t* address) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Allocates the memory of a PixelVector: from the heap, or as the mappings of `files`. A copy of a
// vector is kept where the original is.
class PixelAllocator {
 public:
  using value_type = std::uint8_t;
  using propagate_on_container_copy_assignment = std::true_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::false_type;
  template <class T>
  struct rebind {  // a vector of bytes asks for no other type
    using other = PixelAllocator;
  };

  PixelAllocator() = default;
  explicit PixelAllocator(std::shared_ptr<PixelFiles> files) : files_(std::move(files)) {}

  [[nodiscard]] std::uint8_t* allocate(std::size_t count) {
    return files_ ? files_->map(count) : std::allocator<std::uint8_t>().allocate(count);
  }
  void deallocate(std::uint8_t* address, std::size_t count) noexcept {
    if (files_) {
      files_->release(address);
    } else {
      std::allocator<std::uint8_t>().deallocate(address, count);
    }
  }
  // Returns null for memory of the heap.
  [[nodiscard]] const std::shared_ptr<PixelFiles>& files() const { return files_; }

  friend bool operator==(const PixelAllocator&, const PixelAllocator&) = default;

 private:
  std::shared_ptr<PixelFiles> files_;
};

using PixelVector = std::vector<std::uint8_t, PixelAllocator>;

// Returns shared ownership of the pixels of a vector that is on disk, otherwise null.
[[nodiscard]] std::shared_ptr<std::byte> shared_pixels(const PixelVector& pixels);

}  // namespace scimix
