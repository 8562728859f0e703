"""PyTorch with `torch.compile`, which needs a C++ compiler: forward, backward, and the optimizer's step."""

import torch
import work

from contenders.pytorch import VERSION as VERSION
from contenders.pytorch import linear


def rows():
    return {"step": step()}


def step():
    w1, b1, w2, b2 = work.weights(784, 512, 10)
    model = torch.nn.Sequential(linear(w1, b1), torch.nn.ReLU(), linear(w2, b2))
    optimizer = torch.optim.RMSprop(model.parameters(), work.LEARNING_RATE, alpha=work.RHO, eps=work.EPSILON)
    x, y = torch.tensor(work.images(work.BATCH)), torch.tensor(work.labels(work.BATCH))

    @torch.compile
    def forward(x, y):
        return torch.nn.functional.cross_entropy(model(x), y)

    @torch.compile
    def update():
        optimizer.step()

    def run():
        optimizer.zero_grad()
        loss = forward(x, y)
        loss.backward()
        update()
        return loss.item()

    return run
