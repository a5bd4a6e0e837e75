// Trained networks in Python.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "models/wide_resnet.hpp"
#include "python/arrays.hpp"
#include "trainers/generator_checkpoint.hpp"

namespace scimix::python {

class Generator {
 public:
  Generator(const std::filesystem::path& run, const std::string& device);

  // Returns hybrids [N,R,R,3] of the type of `content`.
  [[nodiscard]] nb::object mix(nb::handle content, nb::handle scene, std::int64_t batch) const;
  [[nodiscard]] std::int64_t image_size() const;
  [[nodiscard]] const std::vector<std::string>& class_names() const { return net_.class_names; }
  [[nodiscard]] std::string checkpoint() const { return net_.checkpoint.string(); }

 private:
  Device device_;
  TrainedGenerator net_;
};

class Classifier {
 public:
  Classifier(const std::filesystem::path& run, const std::string& device);

  // Returns logits, float32 [N,classes].
  [[nodiscard]] nb::object logits(nb::handle images, std::int64_t batch) const;
  [[nodiscard]] std::int64_t image_size() const { return image_size_; }
  [[nodiscard]] const std::vector<std::string>& class_names() const { return class_names_; }
  [[nodiscard]] std::string checkpoint() const { return checkpoint_; }

 private:
  Device device_;
  std::string checkpoint_;
  std::vector<std::string> class_names_;
  std::int64_t image_size_ = 0;
  DType precision_ = DType::f32;
  std::unique_ptr<const WideResNet> network_;
};

// Waits until no other thread computes on this kind of device, and keeps other threads waiting for
// as long as the result lives. The lock is recursive. Release the GIL before the call: the thread
// that computes may need it to finish.
[[nodiscard]] std::unique_lock<std::recursive_mutex> take_turn(Device device);

// Runs `work`, which may use OpenMP: in a process that was forked on a new thread, because on the
// calling one OpenMP would wait forever for the threads of the parent process.
void run_without_threads_of_parent(const std::function<void()>& work);

// The same, but a process that was forked, such as a worker of PyTorch's DataLoader, computes with
// one thread.
void run_in_any_process(const std::function<void()>& work);

// Errors (user): a GPU, in a process that was forked.
void check_device_of_process(Device device);

// Runs `work` as run_in_any_process does, with `device` selected and the GIL released. Calls of
// several threads take turns, since one call uses all cores.
void compute(Device device, const std::function<void()>& work);

}  // namespace scimix::python
