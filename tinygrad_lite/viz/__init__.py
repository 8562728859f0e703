"""Visualization: drawings of graphs, backpropagation step by step, plots of training."""

from tinygrad_lite.viz import plots as plots
from tinygrad_lite.viz.graph import Graph as Graph
from tinygrad_lite.viz.graph import graph as graph
from tinygrad_lite.viz.layers import model as model
from tinygrad_lite.viz.parts import Edge as Edge
from tinygrad_lite.viz.parts import Group as Group
from tinygrad_lite.viz.parts import Node as Node
from tinygrad_lite.viz.path import Chain as Chain
from tinygrad_lite.viz.recorders import GradientNorms as GradientNorms
from tinygrad_lite.viz.recorders import LiveCurves as LiveCurves
from tinygrad_lite.viz.recorders import WeightPath as WeightPath

__all__ = ["Chain", "Edge", "GradientNorms", "Graph", "Group", "LiveCurves", "Node", "WeightPath", "graph", "model"]
