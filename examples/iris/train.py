"""Train a small neural network to tell three species of iris apart: pure Python, a few seconds.

Two lines make this script a task: the import from taskstore, and the call at the start of `main`. Everything else
is what such a script looks like anyway; the `report_*` calls are there because curves are nicer than printed numbers.
The measurements and where they come from are described in README.md beside this file.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import sys
from pathlib import Path

from taskstore import Task

DATA = Path(__file__).with_name("iris.csv")
SPECIES = ("setosa", "versicolor", "virginica")
DECAY = 1.0  # the learning rate is multiplied by this after every epoch

Sample = tuple[list[float], int]


def main() -> None:
    task = Task.init(project_name="examples/iris", task_name="train")
    args = parse_args()
    logger = task.get_logger()
    rng = random.Random(args.seed)
    train, validation, test = split(standardised(read_samples()), rng)
    network = Network(args.hidden, rng)
    print(f"{len(train)} flowers to learn from, {len(validation)} to validate, {len(test)} to test")
    rate = args.lr
    for epoch in range(args.epochs):
        rng.shuffle(train)
        for features, species in train:
            network.learn(features, species, rate)
        rate *= DECAY
        for name, samples in (("train", train), ("validation", validation)):
            loss, accuracy = network.evaluate(samples)
            logger.report_scalar("loss", name, value=loss, iteration=epoch)
            logger.report_scalar("accuracy", name, value=accuracy, iteration=epoch)
        draw_progress(epoch + 1, args.epochs)
    loss, accuracy = network.evaluate(test)
    logger.report_single_value("test accuracy", accuracy)
    print(f"test loss {loss:.4f}, test accuracy {accuracy:.1%}")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Learn the species of an iris from four measurements.")
    parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
    parser.add_argument("--epochs", type=int, default=500, help="passes over the training data")
    parser.add_argument("--hidden", type=int, default=12, help="units in the hidden layer")
    parser.add_argument("--seed", type=int, default=4, help="of the split, the initial weights and the order")
    return parser.parse_args()


def read_samples() -> list[Sample]:
    with DATA.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))[1:]
    return [([float(cell) for cell in row[:4]], SPECIES.index(row[4])) for row in rows]


def standardised(samples: list[Sample]) -> list[Sample]:
    """The same samples with every measurement at mean 0 and deviation 1."""
    columns = list(zip(*(features for features, _ in samples), strict=True))
    means = [sum(column) / len(column) for column in columns]
    deviations = [
        math.sqrt(sum((x - mean) ** 2 for x in column) / len(column))
        for column, mean in zip(columns, means, strict=True)
    ]
    return [
        ([(x - mean) / deviation for x, mean, deviation in zip(features, means, deviations, strict=True)], species)
        for features, species in samples
    ]


def split(samples: list[Sample], rng: random.Random) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """Three fifths to train, a fifth to validate, a fifth to test; each species in the same proportion."""
    train: list[Sample] = []
    validation: list[Sample] = []
    test: list[Sample] = []
    for species in range(len(SPECIES)):
        ours = [sample for sample in samples if sample[1] == species]
        rng.shuffle(ours)
        fifth = len(ours) // 5
        test += ours[:fifth]
        validation += ours[fifth : 2 * fifth]
        train += ours[2 * fifth :]
    return train, validation, test


class Network:
    """Four inputs, one hidden layer of tanh units, a softmax over the species; learns one sample at a time."""

    def __init__(self, hidden: int, rng: random.Random) -> None:
        self.hidden = [[rng.gauss(0, 0.5) for _ in range(5)] for _ in range(hidden)]
        self.output = [[rng.gauss(0, 0.5) for _ in range(hidden + 1)] for _ in SPECIES]

    def forward(self, features: list[float]) -> tuple[list[float], list[float]]:
        """The activations of the hidden layer and the probability of each species."""
        hidden = [math.tanh(weighted(unit, features)) for unit in self.hidden]
        scores = [weighted(unit, hidden) for unit in self.output]
        top = max(scores)
        exponents = [math.exp(score - top) for score in scores]
        total = sum(exponents)
        return hidden, [exponent / total for exponent in exponents]

    def learn(self, features: list[float], species: int, rate: float) -> None:
        hidden, probabilities = self.forward(features)
        errors = [p - (k == species) for k, p in enumerate(probabilities)]
        slopes = [
            (1 - h * h) * sum(error * unit[j] for error, unit in zip(errors, self.output, strict=True))
            for j, h in enumerate(hidden)
        ]
        for unit, error in zip(self.output, errors, strict=True):
            descend(unit, hidden, rate * error)
        for unit, slope in zip(self.hidden, slopes, strict=True):
            descend(unit, features, rate * slope)

    def evaluate(self, samples: list[Sample]) -> tuple[float, float]:
        """Mean cross-entropy, and the share of samples whose species is the most probable one."""
        loss, right = 0.0, 0
        for features, species in samples:
            probabilities = self.forward(features)[1]
            loss -= math.log(max(probabilities[species], 1e-12))
            right += probabilities[species] == max(probabilities)
        return loss / len(samples), right / len(samples)


def weighted(unit: list[float], inputs: list[float]) -> float:
    """The unit's weighted sum of its inputs; its bias is its last weight."""
    return sum(weight * x for weight, x in zip(unit, inputs, strict=False)) + unit[-1]


def descend(unit: list[float], inputs: list[float], step: float) -> None:
    for j, x in enumerate(inputs):
        unit[j] -= step * x
    unit[-1] -= step


def draw_progress(done: int, total: int) -> None:
    bar = "#" * (40 * done // total)
    end = "\n" if done == total else ""
    print(f"\rtraining [{bar:.<40}] {done / total:4.0%}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
