#include "python/networks.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "core/threads.hpp"
#include "tools/eval/trained_classifier.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/mixers.hpp"

namespace scimix::python {

namespace {

const pid_t kImportingProcess = ::getpid();

// The locks of take_turn, by kind of device, in the process that made them.
struct Turns {
  pid_t process = ::getpid();
  std::array<std::recursive_mutex, 2> mutexes;
};

// Returns this process's locks. In a forked process, those of its parent may be held by threads
// that exist only there; it gets new ones, and the parent's are left as they are.
Turns& turns_of_this_process() {
  static std::atomic<Turns*> turns = new Turns;
  Turns* found = turns;
  if (found->process == ::getpid()) return *found;
  auto own = std::make_unique<Turns>();
  if (turns.compare_exchange_strong(found, own.get())) return *own.release();
  return *found;
}

// Selects a device. Errors (user): another GPU than before.
Device selected(const std::string& name) {
  const Device device = parse_device(name);
  select_device(device);
  return device;
}

void check_batch(std::int64_t batch) {
  if (batch < 1) user_error("batch: found ", batch, ", expected at least 1");
}

std::vector<std::size_t> shape_of(const ImageArray& images) {
  return {images.array.shape(0), images.array.shape(1), images.array.shape(2), 3};
}

}  // namespace

std::unique_lock<std::recursive_mutex> take_turn(Device device) {
  return std::unique_lock(turns_of_this_process().mutexes[device.is_cuda() ? 1 : 0]);
}

void run_without_threads_of_parent(const std::function<void()>& work) {
  if (::getpid() == kImportingProcess) return work();
  std::exception_ptr thrown;
  std::thread([&] {  // a new thread has no OpenMP threads of the parent process
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
  })
      .join();
  if (thrown) std::rethrow_exception(thrown);
}

void run_in_any_process(const std::function<void()>& work) {
  run_without_threads_of_parent([&] {
    if (::getpid() != kImportingProcess) use_threads(1);
    work();
  });
}

void check_device_of_process(Device device) {
  if (::getpid() == kImportingProcess || !device.is_cuda()) return;
  user_error(
      "device: found cuda in a process that was forked, expected cpu (or start the process with "
      "the method spawn)");
}

void compute(Device device, const std::function<void()>& work) {
  const nb::gil_scoped_release released;
  const auto turn = take_turn(device);
  check_device_of_process(device);
  if (device.is_cuda()) select_device(device);
  run_in_any_process(work);
}

Generator::Generator(const std::filesystem::path& run, const std::string& device)
    : device_(selected(device)), net_(load_generator(run, device_)) {}

std::int64_t Generator::image_size() const {
  return net_.networks.config().generator.image_size;
}

nb::object Generator::mix(nb::handle content, nb::handle scene, std::int64_t batch) const {
  check_batch(batch);
  const ImageArray contents = read_images("content", content, image_size());
  const ImageArray scenes = read_images("scene", scene, image_size());
  if (contents.count() != scenes.count()) {
    user_error("scene: found ", scenes.count(), " images, expected ", contents.count(),
               ", as many as content has");
  }
  if (contents.pixels != scenes.pixels) {
    user_error("scene: found another element type than content has, expected the same");
  }
  const std::int64_t count = contents.count();
  const std::int64_t elements = image_size() * image_size() * 3;
  const auto mixed = [&]<class T>(T /*type*/) {
    std::vector<T> pixels(static_cast<std::size_t>(count * elements));
    compute(device_, [&] {
      const Mixer mixer = scimix_mixer(net_.networks);
      const std::int64_t at_once = evaluation_batch(batch, image_size(), image_size());
      for (std::int64_t first = 0; first < count; first += at_once) {
        const std::int64_t rows = std::min(at_once, count - first);
        const Tensor hybrids = mixer(network_input(contents, first, rows, device_),
                                     network_input(scenes, first, rows, device_), 0);
        write_pixels(hybrids, contents.pixels, pixels.data() + first * elements);
      }
    });
    return numpy_array(std::move(pixels), shape_of(contents));
  };
  if (contents.pixels == Pixels::u8) return mixed(std::uint8_t{});
  return contents.pixels == Pixels::f32 ? mixed(float{}) : mixed(double{});
}

Classifier::Classifier(const std::filesystem::path& run, const std::string& device)
    : device_(selected(device)) {
  const ClassifierCheckpoint checkpoint = find_classifier(run);
  const ClassifierSettings settings = settings_of(checkpoint);
  checkpoint_ = checkpoint.file.string();
  class_names_ = class_names_of(checkpoint);
  image_size_ = settings.image_size;
  precision_ = settings.precision;
  network_ = std::make_unique<const WideResNet>(load_classifier(checkpoint, settings, device_));
}

nb::object Classifier::logits(nb::handle images, std::int64_t batch) const {
  check_batch(batch);
  const ImageArray input = read_images("images", images, image_size_);
  const std::int64_t count = input.count();
  const auto classes = static_cast<std::int64_t>(network_->config().classes);
  std::vector<float> found(static_cast<std::size_t>(count * classes));
  compute(device_, [&] {
    const NoGrad no_grad;
    const std::int64_t at_once = evaluation_batch(batch, image_size_, image_size_);
    for (std::int64_t first = 0; first < count; first += at_once) {
      const std::int64_t rows = std::min(at_once, count - first);
      const Variable x(network_input(input, first, rows, device_));
      const Variable of_type = precision_ == DType::f32 ? x : cast(x, precision_);
      const Variable logits =
          cast(network_->forward(of_type, {.mode = NormMode::eval}).logits, DType::f32);
      const std::vector<float> part = logits.value().to_host<float>();
      std::copy(part.begin(), part.end(), found.begin() + first * classes);
    }
  });
  return numpy_array(std::move(found),
                     {static_cast<std::size_t>(count), static_cast<std::size_t>(classes)});
}

}  // namespace scimix::python
