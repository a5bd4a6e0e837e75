#include "data/pixel_storage.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

#include "core/atomic_file.hpp"
#include "core/control_group.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

// Returns a new file that has no name, or has lost it already.
FileDescriptor nameless_file(const fs::path& folder) {
  FileDescriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.is_open() || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return file;
  std::string name = (folder / ".pixels-XXXXXX").string();  // file systems without O_TMPFILE
  file = FileDescriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (file.is_open()) ::unlink(name.c_str());
  return file;
}

}  // namespace

std::uint64_t usable_memory() {
  const std::uint64_t machine = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                                static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
  return std::min(machine, memory_limit().value_or(machine));
}

bool belongs_on_disk(std::uint64_t bytes, const StorageChoice& choice, std::uint64_t memory) {
  if (choice.folder.empty() || bytes == 0) return false;
  if (choice.storage != ImageStorage::automatic) return choice.storage == ImageStorage::disk;
  return bytes > memory / 4;
}

struct PixelFiles::State {
  fs::path folder;
  mutable std::mutex mutex;
  std::map<const std::uint8_t*, std::shared_ptr<std::byte>> mappings;
};

PixelFiles::PixelFiles(fs::path folder) : state_(std::make_unique<State>()) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) user_error(shown(folder), ": cannot hold a file of pixels: ", error.message());
  state_->folder = std::move(folder);
}

PixelFiles::~PixelFiles() = default;

std::uint8_t* PixelFiles::map(std::size_t bytes) {
  const auto fail = [&](int error) {
    user_error(shown(state_->folder), ": cannot hold a file of ", bytes,
               " bytes of pixels: ", reason_of(error),
               " (--image-storage memory keeps them in memory)");
  };
  const FileDescriptor file = nameless_file(state_->folder);
  if (!file.is_open()) fail(errno);
  if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes))) fail(error);
  void* const address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (address == MAP_FAILED) fail(errno);
  auto* const pixels = static_cast<std::uint8_t*>(address);
  const std::scoped_lock lock(state_->mutex);
  state_->mappings[pixels] = {static_cast<std::byte*>(address),
                              [bytes](std::byte* mapped) { ::munmap(mapped, bytes); }};
  return pixels;
}

void PixelFiles::release(const std::uint8_t* address) noexcept {
  const std::scoped_lock lock(state_->mutex);
  state_->mappings.erase(address);
}

std::shared_ptr<std::byte> PixelFiles::share(const std::uint8_t* address) const {
  const std::scoped_lock lock(state_->mutex);
  const auto found = state_->mappings.find(address);
  return found == state_->mappings.end() ? nullptr : found->second;
}

std::shared_ptr<std::byte> shared_pixels(const PixelVector& pixels) {
  const std::shared_ptr<PixelFiles> files = pixels.get_allocator().files();
  return files && !pixels.empty() ? files->share(pixels.data()) : nullptr;
}

}  // namespace scimix
