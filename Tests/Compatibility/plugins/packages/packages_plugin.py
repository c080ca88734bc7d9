"""Real work with the packages that plugins use most, each a node of its own.

What a node returns was computed by the package; `packages.py` knows what it has to be.
"""

import os

from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, PortSpecification


def use_numpy(scratch):
    """BLAS with its own threads, and a file that is mapped."""
    import threading

    import numpy

    size = 400
    left = numpy.arange(size * size, dtype=numpy.float64).reshape(size, size) % 7
    products = [None] * 4

    def multiply(index):
        products[index] = left @ numpy.eye(size) * (index + 1)

    threads = [threading.Thread(target=multiply, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    path = os.path.join(scratch, "array.npy")
    numpy.save(path, sum(products))
    mapped = numpy.load(path, mmap_mode="r")
    values = numpy.linalg.eigvalsh(numpy.diag([3.0, 1.0, 2.0]))
    spectrum = numpy.fft.rfft(numpy.sin(numpy.arange(256) * 2 * numpy.pi * 8 / 256))
    return {
        "product": bool((mapped == left * 10).all()),
        "eigenvalues": values.round(6).tolist(),
        "frequency": int(abs(spectrum).argmax()),
        "random": float(numpy.random.default_rng(1).integers(0, 10, 1000).mean() > 4),
    }


def use_pandas(scratch):
    """CSV and Parquet, groups, time zones."""
    import pandas

    table = pandas.DataFrame(
        {"team": ["a", "b", "c"] * 1000, "points": range(3000),
         "when": pandas.date_range("2024-01-01", periods=3000, freq="h", tz="UTC")}
    )
    paths = {kind: os.path.join(scratch, f"table.{kind}") for kind in ("csv", "parquet")}
    table.to_csv(paths["csv"], index=False)
    table.to_parquet(paths["parquet"])
    again = pandas.read_parquet(paths["parquet"])
    totals = again.groupby("team")["points"].sum()
    return {
        "parquet": bool(again.equals(table)),
        "csv": len(pandas.read_csv(paths["csv"])),
        "totals": {name: int(total) for name, total in totals.items()},
        "zone": str(again["when"].dt.tz_convert("Europe/Berlin").iloc[0]),
    }


def use_pillow(scratch):
    """Draws, scales, writes and reads images."""
    from PIL import Image, ImageDraw, ImageFilter

    image = Image.new("RGB", (640, 480), "white")
    ImageDraw.Draw(image).rectangle((100, 100, 300, 300), fill=(200, 30, 30))
    sizes = {}
    for kind in ("png", "jpeg", "webp", "tiff"):
        path = os.path.join(scratch, f"image.{kind}")
        image.resize((320, 240), Image.Resampling.LANCZOS).save(path)
        with Image.open(path) as read:
            pixel = read.convert("RGB").getpixel((100, 100))
            sizes[kind] = [*read.size, pixel[0] > 150 and pixel[1] < 90]
    blurred = image.filter(ImageFilter.GaussianBlur(4)).getpixel((99, 200))
    return {"images": sizes, "blurred": 30 < blurred[1] < 255}


def use_scikit_learn(scratch):
    """Fits models with threads, and keeps one in a file."""
    import joblib
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    data, classes = load_iris(return_X_y=True)
    train, test, known, asked = train_test_split(data, classes, random_state=0)
    scores = {}
    for name, model in (
        ("forest", RandomForestClassifier(n_estimators=20, n_jobs=2, random_state=0)),
        ("regression", LogisticRegression(max_iter=500)),
    ):
        model.fit(train, known)
        path = os.path.join(scratch, f"{name}.joblib")
        joblib.dump(model, path)
        scores[name] = bool(joblib.load(path).score(test, asked) > 0.9)
    return scores


USES = {
    "numpy": use_numpy,
    "pandas": use_pandas,
    "pillow": use_pillow,
    "scikit-learn": use_scikit_learn,
}


class Use(DeclaredNode):
    def execute(self, inputs, context):
        return {"result": USES[self.specification.node_type](str(context.scratch))}


def node(name):
    """A class of nodes for each use."""
    specification = NodeSpecification(
        name, name, "Tests", " ".join(USES[name].__doc__.split()),
        outputs=[PortSpecification("result", "any", "Result", "What was computed")],
    )
    return type("Use", (Use,), {"specification": specification})


class Packages(DeclaredPlugin):
    nodes = tuple(node(name) for name in USES)
