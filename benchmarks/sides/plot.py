"""Draws how cost grows: `plot.py FOLDER`, with what `drawing.series` gives on standard input."""

import json
import sys

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

MARKS = "osD^vP*X"


def main():
    folder = sys.argv[1]
    mpl.rcParams["svg.hashsalt"] = "holdpoint"
    for work, drawn in json.load(sys.stdin).items():
        figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
        for mark, (side, points) in zip(MARKS, drawn["lines"].items()):
            sizes, middle, low, high = zip(*sorted(points))
            ours = side.startswith("ours")
            line = axes.plot(sizes, middle, marker=mark, label=side, linewidth=2.5 if ours else 1.2)[0]
            axes.fill_between(sizes, low, high, color=line.get_color(), alpha=0.15)
        axes.set(xscale="log", yscale="log", xlabel=drawn["unit"], ylabel="seconds (median; shade: least to most)")
        axes.set_title(drawn["title"])
        axes.grid(visible=True, which="major", alpha=0.3)
        axes.legend()
        for kind in ("png", "svg"):
            figure.savefig(f"{folder}/{work}.{kind}", dpi=120, metadata={"Date": None} if kind == "svg" else None)
        plt.close(figure)


main()
