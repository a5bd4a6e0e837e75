// The frozen criterion (Sun et al. 2022, section III): for every term of the generator's loss,
// which networks it trains, and which it must not touch; and that weight gradients nobody wants are
// not computed at all.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "autograd/tape.hpp"
#include "core/random.hpp"
#include "kernels/conv/conv_counters.hpp"
#include "tests/differences.hpp"
#include "trainers/generator_objective.hpp"

using namespace scimix;

namespace {

constexpr std::int64_t kRows = 4;
constexpr std::int64_t kSize = 8;
constexpr int kClasses = 3;

GeneratorRunConfig small_config(const std::string& variant, double encoder_grad) {
  GeneratorRunConfig config;
  config.variant = choice_of<Variant>(variant);
  config.batch = kRows;
  config.guide.steps = 0;
  config.weights = {.reconstruction = 1,
                    .adversarial = 1,
                    .semantic = 1,
                    .class_plus = 1,
                    .cont_plus = 1,
                    .class_minus = 1,
                    .cont_minus = 1,
                    .encoder_grad = encoder_grad};
  // No distance reaches a cap, where the gradient would vanish for another reason.
  config.class_minus_cap = 1e6;
  config.cont_minus_cap = 1e6;
  return config;
}

Variable random_images(std::uint32_t item) {
  Random random(3, Purpose::test, 0, item);
  std::vector<double> values(kRows * kSize * kSize * 3);
  for (double& value : values) value = 2.0 * random.uniform() - 1.0;
  return Variable(Tensor::from(values, {kRows, kSize, kSize, 3}, DType::f64));
}

// The networks of a run in f64, small enough for reference convolutions.
struct Networks {
  explicit Networks(const GeneratorRunConfig& config, Method method = Method::mean_teacher)
      : live(autoencoder(config), 1, kCpu, DType::f64),
        teacher(autoencoder(config), 2, kCpu, DType::f64),
        critic({.image_size = kSize, .base_channels = 4, .max_channels = 4}, 1, kCpu, DType::f64),
        objective(config, method, live, teacher, critic) {}

  static AutoencoderConfig autoencoder(const GeneratorRunConfig& config) {
    return {.encoder = {.depth = 10, .width = 1, .classes = kClasses},
            .generator = {.image_size = kSize, .base_channels = 4, .max_channels = 4},
            .structural_zc = config.variant == Variant::structural_zc};
  }

  [[nodiscard]] std::vector<ParameterStore*> stores() {
    return {&live.semantic_encoder().parameters(), &live.scene_encoder().parameters(),
            &live.generator().parameters(), &critic.parameters(),
            &teacher.semantic_encoder().parameters()};
  }

  Autoencoder live;
  Autoencoder teacher;
  Discriminator critic;
  GeneratorObjective objective;
};

GeneratorBatch make_batch(bool all_labeled, bool second_view) {
  GeneratorBatch made;
  ClassifierBatch& batch = made.semantic;
  batch.labeled = random_images(0);
  const std::vector<std::int32_t> labels{0, 1, 2, 0};
  batch.labels = Tensor::from_host(std::span<const std::int32_t>(labels), {kRows}, kCpu);
  if (!all_labeled) batch.weak = random_images(1);
  if (second_view) batch.other = random_images(2);
  const std::vector<std::int32_t> partner{1, 2, 3, 0};
  made.partner = Tensor::from_host(std::span<const std::int32_t>(partner), {kRows}, kCpu);
  return made;
}

// Which parts of the system a term trains.
struct Trained {
  bool e_c = false;  // E_c without its classifier
  bool c = false;    // the classifier
  bool e_r = false;
  bool g = false;
  bool d = false;
  bool teacher = false;

  friend bool operator==(const Trained&, const Trained&) = default;
};

std::ostream& operator<<(std::ostream& out, const Trained& t) {
  return out << "E_c " << t.e_c << ", C " << t.c << ", E_r " << t.e_r << ", G " << t.g << ", D "
             << t.d << ", teacher " << t.teacher;
}

bool any_nonzero(const Tensor& tensor) {
  const std::vector<double> values = tensor.to_doubles();
  return std::any_of(values.begin(), values.end(), [](double x) { return x != 0.0; });
}

bool any_gradient(const ParameterStore& store, const std::function<bool(const std::string&)>& in) {
  const auto gradients = store.gradients();
  return std::any_of(gradients.begin(), gradients.end(), [&](const auto& gradient) {
    return in(gradient.name) && any_nonzero(gradient.value());
  });
}

Trained trained_by(const Variable& loss, Networks& networks) {
  for (ParameterStore* store : networks.stores()) store->zero_grad();
  backward(loss);
  const auto all = [](const std::string&) { return true; };
  const auto is_c = [](const std::string& name) { return name.starts_with("fc."); };
  const auto not_c = [&](const std::string& name) { return !is_c(name); };
  const ParameterStore& encoder = networks.live.semantic_encoder().parameters();
  return {.e_c = any_gradient(encoder, not_c),
          .c = any_gradient(encoder, is_c),
          .e_r = any_gradient(networks.live.scene_encoder().parameters(), all),
          .g = any_gradient(networks.live.generator().parameters(), all),
          .d = any_gradient(networks.critic.parameters(), all),
          .teacher = any_gradient(networks.teacher.semantic_encoder().parameters(), all)};
}

// Every term of a step, each from a graph of its own.
std::map<Term, Trained> trained_by_each_term(const GeneratorRunConfig& config,
                                             const GeneratorBatch& batch,
                                             std::optional<Method> method = {}) {
  std::map<Term, Trained> found;
  const bool teacher = batch.semantic.other.defined();
  Networks networks(config, method.value_or(teacher ? Method::mean_teacher : Method::supervised));
  const Tensor ramp = Tensor::from(std::vector<double>{1.0}, {1}, DType::f64);
  const auto terms_of_step = [&] {
    const Generated generated = networks.objective.generate(batch, ramp);
    LossTerms terms = networks.objective.critic_terms(generated);
    for (const auto& term : networks.objective.r1_terms(generated)) terms.push_back(term);
    for (const auto& term : networks.objective.generator_terms(generated, batch)) {
      terms.push_back(term);
    }
    return terms;
  };
  const std::size_t count = terms_of_step().size();
  for (std::size_t i = 0; i < count; ++i) {
    const LossTerms terms = terms_of_step();
    if (terms[i].weighted.defined()) {
      found[terms[i].term] = trained_by(terms[i].weighted, networks);
    }
  }
  return found;
}

void check_terms(const std::map<Term, Trained>& found, const std::map<Term, Trained>& expected) {
  CHECK(found.size() == expected.size());
  for (const auto& entry : expected) {
    const Term term = entry.first;
    CAPTURE(std::string(name_of(term)));
    REQUIRE(found.contains(term));
    CHECK(found.at(term) == entry.second);
  }
}

const Trained kCritic{.d = true};
const Trained kSemantic{.e_c = true, .c = true};
const Trained kGeneration{.e_c = true, .e_r = true, .g = true};  // E_c through z_c alone
const Trained kGenerationAlone{.e_r = true, .g = true};          // encoder_grad 0

// Returns what each term of a run with all terms trains. The terms `semantic` train E_c and C, and
// every term of the generator trains `generation`.
std::map<Term, Trained> full_loss(const std::vector<Term>& semantic, const Trained& generation) {
  std::map<Term, Trained> expected;
  for (const Term term : {Term::critic_real, Term::critic_rec, Term::critic_hyb, Term::r1}) {
    expected[term] = kCritic;
  }
  for (const Term term : semantic) expected[term] = kSemantic;
  for (const Term term : {Term::reconstruction, Term::adv_rec, Term::adv_hyb, Term::class_plus,
                          Term::cont_plus, Term::class_minus, Term::cont_minus}) {
    expected[term] = generation;
  }
  return expected;
}

std::int64_t convolutions(const ParameterStore& store) {
  const auto parameters = store.parameters();
  return std::count_if(parameters.begin(), parameters.end(),
                       [](const auto& parameter) { return parameter.value().rank() == 4; });
}

}  // namespace

TEST_CASE("frozen criterion: which networks each term trains") {
  const auto found = trained_by_each_term(small_config("full", 0.1), make_batch(false, true));
  check_terms(found, full_loss({Term::supervised, Term::consistency}, kGeneration));
}

TEST_CASE("frozen criterion: encoder_grad 0 keeps every term of the generator out of E_c") {
  for (const bool all_labeled : {true, false}) {
    CAPTURE(all_labeled);
    const auto found =
        trained_by_each_term(small_config("full", 0), make_batch(all_labeled, false));
    check_terms(found, full_loss({Term::supervised}, kGenerationAlone));
  }
}

TEST_CASE("frozen criterion: FixMatch as L_S trains E_c and C by pseudo-labels") {
  GeneratorRunConfig config = small_config("full", 0.1);
  config.fixmatch.threshold = 0;  // every image gets a pseudo-label
  const auto found = trained_by_each_term(config, make_batch(false, true), Method::fixmatch);
  CHECK(found.at(Term::supervised) == kSemantic);
  CHECK(found.at(Term::pseudo_label) == kSemantic);
  CHECK_FALSE(found.contains(Term::confident));  // is logged alone
  CHECK_FALSE(found.contains(Term::consistency));
  CHECK(found.at(Term::reconstruction) == kGeneration);
  CHECK(found.at(Term::class_plus) == kGeneration);
}

TEST_CASE("frozen criterion: an encoder that stays as its guide made it is trained by no term") {
  for (const char* variant : {"full", "unfrozen"}) {
    for (const bool all_labeled : {true, false}) {
      CAPTURE(variant);
      CAPTURE(all_labeled);
      GeneratorRunConfig config = small_config(variant, 0.1);
      config.guide.steps = 10;
      config.guide.semantic_learning_rate = 0;
      const auto found = trained_by_each_term(config, make_batch(all_labeled, false));
      check_terms(found, full_loss({}, kGenerationAlone));
    }
  }
}

TEST_CASE("variant unfrozen: the hybridisation terms train the encoders that judge") {
  const auto found = trained_by_each_term(small_config("unfrozen", 0), make_batch(true, false));
  const Trained by_class{.e_c = true, .c = true, .e_r = true, .g = true};
  CHECK(found.at(Term::class_plus) == by_class);
  CHECK(found.at(Term::class_minus) == by_class);
  CHECK(found.at(Term::cont_plus) == kGenerationAlone);  // E_r now in two ways
  CHECK(found.at(Term::reconstruction) == kGenerationAlone);
  CHECK(found.at(Term::adv_hyb) == kGenerationAlone);
}

TEST_CASE("variants without some terms") {
  const auto no_hyb = trained_by_each_term(small_config("no-hyb", 0.1), make_batch(true, false));
  check_terms(no_hyb, {{Term::critic_real, kCritic},
                       {Term::critic_rec, kCritic},
                       {Term::r1, kCritic},
                       {Term::supervised, kSemantic},
                       {Term::reconstruction, kGeneration},
                       {Term::adv_rec, kGeneration}});
  const auto basic = trained_by_each_term(small_config("basic-hyb", 0.1), make_batch(true, false));
  CHECK(basic.contains(Term::class_plus));
  CHECK(basic.contains(Term::cont_plus));
  CHECK_FALSE(basic.contains(Term::class_minus));
  CHECK_FALSE(basic.contains(Term::cont_minus));
}

TEST_CASE("variant structural-zc trains the same networks with the roles of the codes exchanged") {
  const auto found =
      trained_by_each_term(small_config("structural-zc", 0.1), make_batch(true, false));
  for (const Term term : {Term::reconstruction, Term::class_plus, Term::cont_plus}) {
    CHECK(found.at(term) == kGeneration);
  }
}

TEST_CASE("frozen criterion: exactly the live convolutions compute a weight gradient") {
  const GeneratorRunConfig config = small_config("full", 0.1);
  Networks networks(config);
  const GeneratorBatch batch = make_batch(false, true);
  const Tensor ramp = Tensor::from(std::vector<double>{1.0}, {1}, DType::f64);
  const Generated generated = networks.objective.generate(batch, ramp);

  reset_conv_counts();
  backward(total(networks.objective.critic_terms(generated)));
  CHECK(conv_counts().wgrad.calls == convolutions(networks.critic.parameters()));

  const Variable loss = total(networks.objective.generator_terms(generated, batch));
  reset_conv_counts();
  backward(loss);
  const std::int64_t live = convolutions(networks.live.semantic_encoder().parameters()) +
                            convolutions(networks.live.scene_encoder().parameters()) +
                            convolutions(networks.live.generator().parameters());
  CHECK(conv_counts().wgrad.calls == live);
}

// E_r learns from every hybrid through the code that G was given, so that a term which also trained
// E_r as a judge would show nowhere above. By the chain rule, what reaches E_r through its codes is
// the gradient with respect to these codes, sent through E_r.
TEST_CASE("frozen criterion: E_r learns from hybrids through its codes alone") {
  const auto difference = [](const std::string& variant, Term term) {
    const GeneratorRunConfig config = small_config(variant, 0.1);
    Networks networks(config);
    const GeneratorBatch batch = make_batch(false, true);
    const Tensor ramp = Tensor::from(std::vector<double>{1.0}, {1}, DType::f64);
    ParameterStore& e_r = networks.live.scene_encoder().parameters();
    const auto loss_of = [&](const Generated& generated) {
      const LossTerms terms = networks.objective.generator_terms(generated, batch);
      const auto found = std::find_if(terms.begin(), terms.end(),
                                      [&](const auto& one) { return one.term == term; });
      REQUIRE(found != terms.end());
      return found->weighted;
    };
    const auto gradient = [&] {
      std::vector<double> all;
      for (const auto& one : e_r.gradients()) {
        const std::vector<double> values = one.value().to_doubles();
        all.insert(all.end(), values.begin(), values.end());
      }
      return all;
    };

    e_r.zero_grad();
    backward(loss_of(networks.objective.generate(batch, ramp)));
    const std::vector<double> learnt = gradient();
    REQUIRE(std::any_of(learnt.begin(), learnt.end(), [](double x) { return x != 0; }));

    const Generated again = networks.objective.generate(batch, ramp);
    const Variable loss = loss_of(again);
    const Tensor of_codes =
        grad({&loss, 1}, {&again.z_r, 1}, {}, {.retain_graph = true}).front().value();
    e_r.zero_grad();
    backward(again.z_r, {.seed = Variable(of_codes)});
    return test::relative_error(learnt, gradient());
  };
  for (const Term term :
       {Term::adv_hyb, Term::class_plus, Term::cont_plus, Term::class_minus, Term::cont_minus}) {
    CAPTURE(std::string(name_of(term)));
    CHECK(difference("full", term) < 1e-10);  // f64
  }
  // Where E_r judges and learns from it, the comparison notices.
  CHECK(difference("unfrozen", Term::cont_plus) > 1e-3);
}

TEST_CASE("the criterion leaves running statistics alone") {
  const GeneratorRunConfig config = small_config("full", 0.1);
  Networks networks(config, Method::supervised);
  const GeneratorBatch batch = make_batch(true, false);
  const Tensor ramp = Tensor::from(std::vector<double>{1.0}, {1}, DType::f64);
  const Generated generated = networks.objective.generate(batch, ramp);
  const auto statistics = [&] {
    std::vector<double> all;
    for (const auto* store : networks.stores()) {
      for (const auto& buffer : store->buffers()) {
        for (const double value : buffer.value().to_doubles()) all.push_back(value);
      }
    }
    return all;
  };
  const std::vector<double> before = statistics();
  static_cast<void>(networks.objective.generator_terms(generated, batch));
  static_cast<void>(networks.objective.critic_terms(generated));
  CHECK(statistics() == before);
  static_cast<void>(networks.objective.generate(batch, ramp));
  CHECK(statistics() != before);
}
