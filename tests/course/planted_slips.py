"""Solutions with one planted slip, calculated in plain Python from the given numbers alone (nothing of chainrule is used).

A student here is a small machine: it goes through the network as the textbook says, rounds what it writes down, may go on
with the rounded or the unrounded numbers, and makes one slip at one place.
"""

import math
import random

LETTERS = "hgk"


def names(sizes):
    letters = ["x", *LETTERS[: len(sizes) - 2], "o"]
    return [[f"{letter}{i + 1}" for i in range(n)] for letter, n in zip(letters, sizes, strict=True)]


class Student:
    def __init__(self, sizes, given, decimals=5, keeps_digits=False, slip=None, place=None, rng=None):
        self.layers, self.g, self.decimals, self.keeps = names(sizes), given, decimals, keeps_digits
        self.slip, self.place, self.rng = slip, place, rng or random.Random(0)
        self.sheet, self.mind = {}, dict(given)
        self.touched = None

    def write(self, name, value):
        text = f"{value:.{self.decimals}f}"
        self.sheet[name] = text
        self.mind[name] = value if self.keeps else float(text)

    def here(self, name, *kinds):
        if self.slip in kinds and self.place == name:
            self.touched = name
            return True
        return False

    def v(self, unit):
        return self.mind[unit if unit[0] == "x" else f"out_{unit}"]

    def forward(self):
        for below, layer in zip(self.layers, self.layers[1:], strict=False):
            for u in layer:
                pairs = [(self.g[f"w_{u}_{s}"], self.v(s)) for s in below]
                if self.here(f"net_{u}", "wrong index") and len(pairs) > 1:
                    ws = [w for w, _ in pairs]
                    ws[0], ws[1] = ws[1], ws[0]
                    pairs = [(w, p[1]) for w, p in zip(ws, pairs, strict=True)]
                total = sum(a * b for a, b in pairs)
                if not self.here(f"net_{u}", "forgot the bias"):
                    total += self.g[f"b_{u}"]
                self.write(f"net_{u}", total)
                self.write(f"out_{u}", 1 / (1 + math.exp(-self.mind[f"net_{u}"])))

    def slope(self, u, name):
        out = self.mind[f"out_{u}"]
        if self.here(name, "rounded operands"):
            out = round(out, 2)
        if self.here(name, "forgot σ′"):
            return 1.0
        if self.here(name, "net input in place of the output"):
            n = self.mind[f"net_{u}"]
            return n * (1 - n)
        return out * (1 - out)

    def new_weight(self, k, u):
        return self.g[f"w_{k}_{u}"] - self.g["eta"] * self.mind[f"delta_{k}"] * self.mind[f"out_{u}"]

    def deltas(self):
        for u in self.layers[-1]:
            name = f"delta_{u}"
            difference = self.mind[f"out_{u}"] - self.g[f"t_{u}"]
            if self.here(name, "sign"):
                difference = -difference
            self.write(name, difference * self.slope(u, name))
        for i in range(len(self.layers) - 2, 0, -1):
            above, layer = self.layers[i + 1], self.layers[i]
            for u in layer:
                name, terms = f"delta_{u}", []
                source = next((o for o in layer if o != u), u) if self.here(name, "wrong index") else u
                for k in above:
                    w = self.g[f"w_{k}_{source}"]
                    if self.here(name, "used the updated weight"):
                        w = self.new_weight(k, u)
                    terms.append(self.mind[f"delta_{k}"] * w)
                if self.here(name, "missing path") and len(terms) > 1:
                    terms.pop()
                back = -sum(terms) if self.here(name, "sign") else sum(terms)
                self.write(name, back * self.slope(u, name))

    def gradients(self):
        for below, layer in zip(self.layers, self.layers[1:], strict=False):
            for u in layer:
                for s in below:
                    name = f"dE_dw_{u}_{s}"
                    value = self.v(s)
                    if self.here(name, "wrong index"):
                        value = self.v(next(o for o in below if o != s))
                    g = self.mind[f"delta_{u}"] * value
                    self.write(name, -g if self.here(name, "sign") else g)
                self.write(f"dE_db_{u}", self.mind[f"delta_{u}"])

    def updates(self):
        for below, layer in zip(self.layers, self.layers[1:], strict=False):
            for u in layer:
                for w in [*(f"w_{u}_{s}" for s in below), f"b_{u}"]:
                    step = self.g["eta"] * self.mind[f"dE_d{w}"]
                    if self.here(f"{w}_new", "sign"):
                        step = -step
                    if self.here(f"{w}_new", "forgot the learning rate"):
                        step = self.mind[f"dE_d{w}"]
                    self.write(f"{w}_new", self.g[w] - step)

    def solve(self, asked):
        """What was asked for, by its names, of the whole calculation."""
        self.forward()
        self.write("E", sum((self.g[f"t_{o}"] - self.mind[f"out_{o}"]) ** 2 / 2 for o in self.layers[-1]))
        self.deltas()
        self.gradients()
        self.updates()
        return {name: text for name, text in self.sheet.items() if name in asked}


PLACES = {
    "forgot σ′": ("delta_",),
    "used the updated weight": ("delta_h",),
    "sign": ("delta_", "dE_dw", "new"),
    "wrong index": ("net_", "delta_h", "dE_dw_h"),
    "missing path": ("delta_h",),
    "rounded operands": ("delta_",),
    "forgot the bias": ("net_",),
    "net input in place of the output": ("delta_",),
    "forgot the learning rate": ("new",),
}


def places(sheet, slip):
    wanted = PLACES[slip]
    return [
        n
        for n in sheet
        if any(n.endswith("_new") if w == "new" else n.startswith(w) and not n.endswith("_new") for w in wanted)
    ]


def slipped(asked, sizes, given, slip, seed):
    """A sheet with one slip, and where it is; None where this slip cannot be made or does not show at the printed digits."""
    rng = random.Random(seed)
    decimals, keeps = rng.choice((4, 5, 6)), rng.random() < 0.5
    right = Student(sizes, given, decimals, keeps).solve(asked)
    options = places(right, slip)
    if slip == "missing path" and sizes[-1] == 1:
        return None
    if not options:
        return None
    place = rng.choice(options)
    student = Student(sizes, given, decimals, keeps, slip, place, rng)
    sheet = student.solve(asked)
    apart = abs(float(sheet[place]) - float(right[place])) if student.touched else 0.0
    # below three units of the last digit nobody can tell a slip from rounding
    return (sheet, place) if apart > 3 * 10.0**-decimals else None
