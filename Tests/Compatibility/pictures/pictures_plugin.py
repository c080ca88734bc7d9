"""Colours of pictures: Pillow reads and writes them, scikit-learn finds the colours, numpy is between the two."""

from typing import Any, Dict

import numpy
from PIL import Image
from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

PICTURE = ParameterSpecification("picture", "string", "Picture", "Its path in the workspace", "")


def pixels(context: ExecutionContext, path: str, size: int) -> "numpy.ndarray":
    with Image.open(context.workspace / path) as picture:
        small = picture.convert("RGB")
        small.thumbnail((size, size))
        return numpy.asarray(small, dtype=numpy.float64)


class PaletteNode(DeclaredNode):
    specification = NodeSpecification(
        "palette", "Palette", "Pictures", "The main colours of a picture", "🎨", "#7a4d8c",
        outputs=[
            PortSpecification("colours", "any", "Colours", "Red, green and blue, the most frequent colour first"),
            PortSpecification("picture", "ndarray", "Picture", "In those colours alone"),
        ],
        parameters=[PICTURE, ParameterSpecification("count", "integer", "Count", "Of colours", 4, {"min": 1, "max": 64})],
        resource_requirements=ResourceRequirement(1, 768),
    )

    def execute(self, inputs: Dict[str, Any], context: ExecutionContext) -> Dict[str, Any]:
        values = pixels(context, self.parameters["picture"], 160)
        found = KMeans(self.parameters["count"], n_init=4, random_state=1).fit(values.reshape(-1, 3))
        order = numpy.bincount(found.labels_).argsort()[::-1]
        centres = found.cluster_centers_.round().astype(numpy.uint8)
        painted = centres[found.labels_].reshape(values.shape)
        name = self.parameters["picture"].rsplit(".", 1)[0]
        Image.fromarray(painted).save(context.workspace / f"{name}-painted.png")
        return {"colours": centres[order].tolist(), "picture": painted}


class CompareNode(DeclaredNode):
    specification = NodeSpecification(
        "compare", "Compare", "Pictures", "How far pictures are apart", "🎨", "#7a4d8c",
        inputs=[PortSpecification("pictures", "ndarray", "Pictures", "Any number", multiple=True)],
        outputs=[PortSpecification("components", "any", "Components", "Of their colours, one list a picture")],
        resource_requirements=ResourceRequirement(1, 512),
    )

    def execute(self, inputs: Dict[str, Any], context: ExecutionContext) -> Dict[str, Any]:
        means = numpy.array([picture.reshape(-1, 3).mean(axis=0) for picture in inputs["pictures"]])
        return {"components": PCA(1).fit_transform(means).round(3).tolist()}


class PicturesPlugin(DeclaredPlugin):
    nodes = (PaletteNode, CompareNode)
