"""The chart of `scripts/bench scale`, by gnuplot."""

import subprocess
from statistics import median

from machine import BenchError
from nginx import OUT

CHARTS = (("admitted of allowed", lambda p: p.share()),
          ("commands to Redis for each request", lambda p: median(p.below)),
          ("added to the median, us", lambda p: p.added("p50")),
          ("added to the 99th percentile, us", lambda p: p.added("p99")))


def series(points):
    """[(name, its points)] in the order in which they were measured."""
    found = {}
    for point in points:
        found.setdefault(f"{point.store}, {point.sync}", []).append(point)
    return list(found.items())


def script(points, path):
    lines = [f"set terminal pngcairo size 1000,720 font 'sans,10'\nset output '{path}'",
             "set multiplot layout 2,2\nset xlabel 'nginx'\nset logscale x 2\nset grid",
             f"set xtics ({', '.join(str(n) for n in sorted({p.size for p in points}))})",
             "set offsets graph 0.05, graph 0.05, graph 0.1, 0\nset yrange [0:*]"]
    named = series(points)
    for number, (_, members) in enumerate(named):
        data = "\n".join(f"{p.size} " + " ".join(f"{value(p):.6g}" for _, value in CHARTS)
                         for p in members)
        lines.append(f"$series{number} << END\n{data}\nEND")
    for column, (title, _) in enumerate(CHARTS, 2):
        # The names once are enough.
        names = [name if column == 2 else "" for name, _ in named]
        plots = ", ".join(f"$series{i} using 1:{column} with linespoints lw 2 pt {i + 4} lc {i + 1} "
                          + (f"title '{name}'" if name else "notitle")
                          for i, name in enumerate(names))
        lines.append(f"set key bottom left\nset title '{title}'\nplot {plots}")
    return "\n".join(lines) + "\nunset multiplot\n"


def draw(points, quick=False):
    path = OUT / ("scale-quick.png" if quick else "scale.png")
    done = subprocess.run(["gnuplot"], input=script(points, path), capture_output=True, text=True)
    if done.returncode != 0 or not path.exists():
        raise BenchError(f"gnuplot: {done.stderr.strip()[-300:]}")
    return path
