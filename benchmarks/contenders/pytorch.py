"""PyTorch on the CPU, eager: `torch.nn` modules, `backward`, `torch.optim`."""

import torch
import work

VERSION = torch.__version__


def rows(compile_=lambda f: f):
    return {name: make(compile_) for name, make in MAKERS.items()}


def linear(kernel, bias):
    layer = torch.nn.Linear(*kernel.shape)
    layer.weight.data = torch.tensor(kernel.T.copy())
    layer.bias.data = torch.tensor(bias)
    return layer


def step(compile_):
    w1, b1, w2, b2 = work.weights(784, 512, 10)
    model = torch.nn.Sequential(linear(w1, b1), torch.nn.ReLU(), linear(w2, b2))
    optimizer = torch.optim.RMSprop(model.parameters(), work.LEARNING_RATE, alpha=work.RHO, eps=work.EPSILON)
    x, y = torch.tensor(work.images(work.BATCH)), torch.tensor(work.labels(work.BATCH))
    forward = compile_(lambda x, y: torch.nn.functional.cross_entropy(model(x), y))

    def run():
        optimizer.zero_grad()
        loss = forward(x, y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def online(compile_):
    w1, b1, w2, b2 = work.weights(784, 100, 10)
    model = torch.nn.Sequential(linear(w1, b1), torch.nn.ReLU(), torch.nn.Dropout(work.DROPOUT), linear(w2, b2))
    optimizer = torch.optim.SGD(model.parameters(), work.LEARNING_RATE)
    xs, ys = torch.tensor(work.images(64)), torch.tensor(work.labels(64))
    forward = compile_(lambda x, y: torch.nn.functional.cross_entropy(model(x), y))
    count = 0

    def run():
        nonlocal count
        count += 1
        n = count % 64
        optimizer.zero_grad()
        loss = forward(xs[n : n + 1], ys[n : n + 1])
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def chain(compile_):
    start, a, b = map(torch.tensor, work.chain_inputs())

    def run():
        x = start.clone().requires_grad_()
        y = x
        for _ in range(work.CHAIN // 4):
            y = torch.sin(y)
            y = y * a
            y = y + b
            y = y - a
        y.sum().backward()
        return x.grad.sum().item()

    return run


def hvp(compile_):
    x, y, parameters, vector = work.mlp()
    x, y, vector = torch.tensor(x), torch.tensor(y), [torch.tensor(v) for v in vector]
    variables = [torch.tensor(w, requires_grad=True) for w in parameters]
    w1, b1, w2, b2, w3, b3 = variables

    def run():
        h = torch.tanh(torch.addmm(b1, x, w1))
        h = torch.tanh(torch.addmm(b2, h, w2))
        loss = torch.square(torch.addmm(b3, h, w3) - y).mean()
        gradients = torch.autograd.grad(loss, variables, create_graph=True)
        product = torch.autograd.grad(gradients, variables, vector, allow_unused=True)
        return sum(p.abs().sum().item() for p in product if p is not None)

    return run


def predict(compile_):
    w1, b1, w2, b2 = work.weights(784, 512, 10)
    model = torch.nn.Sequential(linear(w1, b1), torch.nn.ReLU(), linear(w2, b2), torch.nn.Softmax(dim=-1)).eval()
    x = torch.tensor(work.images(10_000))
    forward = compile_(model)

    def run():
        with torch.no_grad():
            batches = [forward(x[n : n + work.BATCH]) for n in range(0, len(x), work.BATCH)]
            return torch.cat(batches)[:, 0].sum().item()

    return run


MAKERS = {"step": step, "online": online, "chain": chain, "hvp": hvp, "predict": predict}
