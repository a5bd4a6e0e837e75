"""The training steps of `scimix_bench --suite cpu` and `--suite gpu` in PyTorch.

Each is what ours computes (trainers/classifier_objective.cpp, trainers/generator_objective.cpp), less
the augmentation, the sampler and the logging that ours does in the same step: images lie on the device
and stay the same. bench/compare_pytorch.py times them. Written as a good user would: channels_last, autocast to bf16, fused optimisers,
foreach EMA, gradients set to None, nothing that waits for the device, cudnn.benchmark.

Batch norm by segments, which ours does in one pass, PyTorch does not have: labelled and other images
of Mean Teacher pass one after the other, as in the published codes.
"""
import contextlib
import copy
import dataclasses

import torch
from torch.nn import functional

import pytorch_networks as networks

# graph: compiled, and the whole step captured with its optimisers.
MODES = ("eager", "compile", "graph")


@dataclasses.dataclass
class Settings:
    device: str = "cuda"
    precision: str = "bf16"  # f32, tf32, bf16
    mode: str = "eager"
    compile_mode: str = "max-autotune"
    depth: int = 28
    width: int = 2
    channels: int = 128  # of G and D at full resolution
    most_channels: int = 256


def prepare(settings):
    """Of the whole process: what products may do."""
    tf32 = settings.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)


class Average:
    """EMA of a module's parameters."""

    def __init__(self, module):
        self.module = copy.deepcopy(module)
        for parameter in self.module.parameters():
            parameter.requires_grad_(False)
        self.mine = list(self.module.parameters())
        self.theirs = list(module.parameters())

    @torch.no_grad()
    def update(self):
        torch._foreach_lerp_(self.mine, self.theirs, 0.001)  # pylint: disable=protected-access


def sgd(module):
    kernels = [p for p in module.parameters() if p.ndim > 1]
    others = [p for p in module.parameters() if p.ndim == 1]
    groups = [{"params": kernels, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=0.03, momentum=0.9, nesterov=True, fused=True)


def adam(*modules, settings, lazy=1.0):
    parameters = [p for module in modules for p in module.parameters()]
    # A captured step counts on the device.
    return torch.optim.Adam(parameters, lr=2e-3 * lazy, betas=(0.0, 0.99 ** lazy), eps=1e-8,
                            fused=True, capturable=settings.mode == "graph")


def place(module, settings):
    return module.to(settings.device).to(memory_format=torch.channels_last)


def images(count, settings, size=32):
    x = torch.rand(count, 3, size, size, device=settings.device) * 2 - 1
    return x.to(memory_format=torch.channels_last)


def autocast(settings):
    if settings.precision != "bf16":
        return contextlib.nullcontext()
    return torch.autocast(settings.device.split(":")[0], torch.bfloat16)


def compiled(function, settings):
    """`function` under autocast, and compiled where the mode says so."""
    if settings.mode != "eager":
        mode = settings.compile_mode
        if settings.mode == "graph" and mode == "max-autotune":
            mode = "max-autotune-no-cudagraphs"  # the whole step is captured instead
        # Not `run` below: all would share its code, of which PyTorch compiles eight forms at most
        # and leaves the rest eager.
        function = torch.compile(function, mode=mode, dynamic=False)

    def run(*arguments):
        with autocast(settings):
            return function(*arguments)

    return run


def update(*optimizers):
    """Gradients go at once: the next step's graph writes over them."""
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


class Step:
    """What steps have in common; `cycle` steps are what repeats."""

    cycle = 1

    def __init__(self, settings):
        self.settings = settings

    def begin(self):
        if self.settings.mode == "compile" and self.settings.device != "cpu":
            torch.compiler.cudagraph_mark_step_begin()

    def run(self, number):
        raise NotImplementedError

    def kind(self, number):  # steps of one kind are the same work
        del number
        return 0


class Classifier(Step):
    def __init__(self, settings, loss):
        super().__init__(settings)
        self.model = place(networks.WideResNet(settings.depth, settings.width), settings)
        self.average = Average(self.model)
        self.optimizer = sgd(self.model)
        self.loss = compiled(loss, settings)

    def run(self, number):
        self.begin()
        self.loss().backward()
        update(self.optimizer)
        self.average.update()


class Supervised(Classifier):
    def __init__(self, settings, batch):
        self.x = images(batch, settings)
        self.y = torch.randint(0, 10, (batch,), device=settings.device)
        super().__init__(settings, self.objective)

    def objective(self):
        return functional.cross_entropy(self.model(self.x)[2].float(), self.y)


class MeanTeacher(Classifier):
    def __init__(self, settings, batch):
        self.x = images(batch, settings)
        self.y = torch.randint(0, 10, (batch,), device=settings.device)
        self.student_view = images(batch, settings)
        self.teacher_view = images(batch, settings)
        self.weight = torch.full((), 1.0, device=settings.device)
        super().__init__(settings, self.objective)

    def objective(self):
        with torch.no_grad():
            teacher = self.average.module(self.teacher_view, False)[2].float().softmax(1)
        return self.student_loss(teacher)

    def student_loss(self, teacher):
        labeled = self.model(self.x)[2]
        student = self.model(self.student_view, False)[2]
        difference = student.float().softmax(1) - teacher
        return (functional.cross_entropy(labeled.float(), self.y)
                + self.weight * difference.square().mean())


class WithHybrids(MeanTeacher):
    """Mean Teacher, with a hybrid for each labelled and each unlabelled image.

    The hybrids come from a generator of `--scale cpu`, which does not learn: `--mixer scimix` with its
    filter and the loss `contradict`.
    """

    def __init__(self, settings, batch):
        def frozen(module):
            return place(module, settings).eval().requires_grad_(False)

        self.e_c = frozen(networks.WideResNet(10, 1))
        self.e_r = frozen(networks.WideResNet(10, 1, 0))
        self.g = frozen(networks.Generator(self.e_c.features, 32, 64))
        self.partner = torch.randperm(2 * batch, device=settings.device)
        super().__init__(settings, batch)

    def make_hybrids(self, parents):
        """Images, and 1 for those that pass the filter: E_c finds the class of the content in them."""
        _, pooled, logits = self.e_c(parents)
        z_r = networks.unit_rms(self.e_r(parents[self.partner])[0])
        hybrids = self.g(z_r, networks.unit_rms(pooled)).clamp(-1, 1)
        labels = torch.cat((self.y, logits[len(self.y):].argmax(1)))
        return hybrids, (self.e_c(hybrids)[2].argmax(1) == labels).float()

    def objective(self):
        teacher = self.average.module
        with torch.no_grad():
            guesses = torch.cat((teacher(self.x, False)[2], teacher(self.teacher_view, False)[2]))
            guesses = guesses.float().softmax(1)
            hybrids, kept = self.make_hybrids(torch.cat((self.x, self.teacher_view)))
            target = 0.9 * guesses + 0.1 * guesses[self.partner]
        difference = self.model(hybrids, False)[2].float().softmax(1) - target
        return (self.student_loss(guesses[len(self.y):])
                + self.weight * (kept[:, None] * difference.square()).mean())


class FixMatch(Classifier):
    def __init__(self, settings, batch, unlabeled=None):
        self.batch = batch
        self.unlabeled = 7 * batch if unlabeled is None else unlabeled
        self.x = images(batch + 2 * self.unlabeled, settings)  # labelled, weak views, strong views
        self.y = torch.randint(0, 10, (batch,), device=settings.device)
        super().__init__(settings, self.objective)

    def objective(self):
        logits = self.model(self.x)[2].float()
        labeled, weak, strong = logits.split((self.batch, self.unlabeled, self.unlabeled))
        with torch.no_grad():
            confidence, guess = weak.softmax(1).max(1)
            confident = (confidence >= 0.95).float()
        pseudo = functional.cross_entropy(strong, guess, reduction="none")
        return functional.cross_entropy(labeled, self.y) + (pseudo * confident).mean()


def rms(a, b):
    """Distances per row."""
    return ((a.float() - b.float()).square().flatten(1).mean(1) + 1e-8).sqrt()


class SciMix(Step):
    """GeneratorTrainer::step with the default weights.

    With few labels, L_S is Mean Teacher's. Otherwise all images have labels, the labelled images are
    those that are mixed, L_S is cross-entropy, and no other loss reaches E_c.
    """

    cycle = 16  # R1 comes every 16th step

    def __init__(self, settings, batch, size=32, few_labels=True):
        super().__init__(settings)
        self.batch = batch
        self.few_labels = few_labels
        make = networks.WideResNet
        self.e_c = place(make(settings.depth, settings.width), settings)
        self.e_r = place(make(settings.depth, settings.width, 0), settings)
        codes = self.e_c.features
        self.g = place(networks.Generator(codes, settings.channels, settings.most_channels), settings)
        self.d = place(networks.Discriminator(settings.channels, settings.most_channels, size),
                       settings)
        # L_hyb's view of the encoders, and D while it judges for G: the same memory, constant.
        self.frozen_c, self.frozen_r, self.frozen_d = map(networks.frozen_twin,
                                                          (self.e_c, self.e_r, self.d))
        self.average_c, self.average_r, self.average_g = map(Average, (self.e_c, self.e_r, self.g))
        self.opt_c = sgd(self.e_c)
        self.opt_g = adam(self.e_r, self.g, settings=settings)  # alike, so one
        self.opt_d = adam(self.d, settings=settings, lazy=16 / 17)
        self.labeled = self.other = images(batch, settings, size)
        if few_labels:
            self.other, self.second_view = (images(batch, settings, size) for _ in range(2))
        self.y = torch.randint(0, 10, (batch,), device=settings.device)
        self.partner = torch.randperm(batch, device=settings.device)
        self.consistency_weight = torch.full((), 1.0, device=settings.device)
        self.generate = compiled(self.make_images, settings)
        self.critic_loss = compiled(self.critic_objective, settings)
        self.generator_loss = compiled(self.generator_objective, settings)
        # A compiled graph has no second derivative: R1 stays eager, one step in 16.
        self.r1_loss = compiled(self.r1_objective, dataclasses.replace(settings, mode="eager"))

    def make_images(self):
        if self.few_labels:
            labeled_logits = self.e_c(self.labeled)[2]
            _, pooled, logits = self.e_c(self.other, False)
            with torch.no_grad():
                teacher = self.average_c.module(self.second_view, False)[2]
            z_c = networks.unit_rms(pooled)
            z_c = 0.1 * z_c + 0.9 * z_c.detach()  # a tenth of the gradient reaches E_c
        else:
            _, pooled, logits = self.e_c(self.labeled)
            labeled_logits, teacher = logits, None
            z_c = networks.unit_rms(pooled.detach())
        z_r = networks.unit_rms(self.e_r(self.other)[0])
        made = self.g(torch.cat((z_r, z_r.index_select(0, self.partner))), torch.cat((z_c, z_c)))
        return labeled_logits, logits, teacher, z_r, made

    def critic_objective(self, made):
        real, rebuilt, hybrid = self.d(torch.cat((self.other.to(made.dtype), made))).float().split(
            self.batch)
        return (functional.softplus(-real).mean() + 0.5 * functional.softplus(rebuilt).mean()
                + 0.5 * functional.softplus(hybrid).mean())

    def r1_objective(self):
        x = self.other.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.d(x).float().sum(), x, create_graph=True)
        return slope.float().square().sum() * (16 * 0.5 * 0.01 / self.batch)

    def generator_objective(self, labeled_logits, logits, teacher, z_r, made):
        semantic = functional.cross_entropy(labeled_logits.float(), self.y)
        if self.few_labels:
            difference = logits.float().softmax(1) - teacher.float().softmax(1)
            semantic = semantic + self.consistency_weight * difference.square().mean()
        rebuilt, hybrid = made.split(self.batch)
        adversarial = sum(functional.softplus(-part).mean()
                          for part in self.frozen_d(made).float().split(self.batch))
        hybrid_logits = self.frozen_c(hybrid, False)[2]
        hybrid_z_r = networks.unit_rms(self.frozen_r(hybrid, False)[0])
        of_class, scene = logits.detach(), z_r.detach()
        class_plus = rms(hybrid_logits, of_class).mean()
        cont_plus = rms(hybrid_z_r, scene[self.partner]).mean()
        class_minus = rms(hybrid_logits, of_class[self.partner]).clamp(max=5).mean()
        cont_minus = rms(hybrid_z_r, scene).clamp(max=1).mean()
        return (semantic + 5 * rms(self.other, rebuilt).mean() + 0.1 * adversarial + class_plus
                + cont_plus - 0.03 * class_minus - 0.03 * cont_minus)

    def kind(self, number):
        return int(number % 16 == 0)

    def run(self, number):
        self.begin()
        labeled_logits, logits, teacher, z_r, made = self.generate()
        self.critic_loss(made.detach()).backward()
        update(self.opt_d)
        if self.kind(number):
            self.r1_loss().backward()
            update(self.opt_d)
        self.generator_loss(labeled_logits, logits, teacher, z_r, made).backward()
        update(self.opt_c, self.opt_g)
        for average in (self.average_c, self.average_r, self.average_g):
            average.update()


class Captured:
    """Whole steps as CUDA graphs, one for each kind of step."""

    def __init__(self, step):
        self.step, self.cycle, self.graphs = step, step.cycle, {}
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # compiles, and lets libraries choose
            for number in range(3 * step.cycle):
                step.run(number)
        torch.cuda.current_stream().wait_stream(stream)
        for number in range(step.cycle):
            kind = step.kind(number)
            if kind not in self.graphs:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    step.run(number)
                self.graphs[kind] = graph

    def run(self, number):
        self.graphs[self.step.kind(number)].replay()


def build(settings, make):
    """The step that is timed; `make(settings)` builds one of the above."""
    prepare(settings)
    step = make(settings)
    return Captured(step) if settings.mode == "graph" else step
