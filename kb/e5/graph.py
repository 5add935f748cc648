"""The encoder of multilingual-e5-small as an ONNX graph with int8 weights, built from the packed file without torch.

Input "rows": (1, tokens, hidden) float32, the word rows of one text. Outputs: "vector" (1, hidden), length 1; "inner"
(1, 3 * hidden), the mean token of three layers on the way: what a text does stands there more plainly than at the end,
where the model has kept what makes texts answer one another.
One text per run: the graph scales activations per run, so a neighbour in a batch would change a text's vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kb.e5.packed import PackedWeights

if TYPE_CHECKING:
    import numpy.typing as npt

_MS = "com.microsoft"  # ONNX Runtime's own operators
# Seven bits, not eight: processors without VNNI add two products in 16 bits, and 2 * 255 * 63 still fits.
_WEIGHT_LIMIT = 63
INNER_LAYERS = (5, 7, 9)  # of twelve, counted from nought


class _Graph:
    """Collects nodes and constants; each method returns the name of what it made."""

    def __init__(self, weights: PackedWeights) -> None:
        from onnx import helper, numpy_helper

        self.weights, self._helper, self._numpy_helper = weights, helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        self.constants.append(self._numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], *outputs: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(
            self._helper.make_node(operator, inputs, list(outputs), name=outputs[0], domain=domain, **attributes)
        )
        return outputs[0]

    def linear(self, name: str, source: str, parts: list[str], columns: int) -> str:
        """source @ W.T + b, with W in integers, one scale per output column; `parts` are stacked to one matrix."""
        matrix = np.concatenate([self.weights.matrix(f"{part}.w", columns) for part in parts])
        bias = np.concatenate([self.weights.floats(f"{part}.b") for part in parts])
        scale = np.maximum(np.abs(matrix).max(axis=1) / _WEIGHT_LIMIT, 1e-12).astype(np.float32)
        whole = np.clip(np.rint(matrix / scale[:, None]), -_WEIGHT_LIMIT, _WEIGHT_LIMIT).astype(np.int8)
        inputs = [
            source,
            self.constant(f"{name}.weight", whole.T),
            self.constant(f"{name}.scale", scale),
            self.constant(f"{name}.zero", np.zeros(len(scale), np.int8)),
            self.constant(f"{name}.bias", bias),
        ]
        return self.node("DynamicQuantizeMatMul", inputs, name, domain=_MS)

    def add_and_norm(self, name: str, source: str, added: str, norm: str) -> str:
        # Two operators: the fused SkipLayerNormalization takes four times as long as both together.
        total = self.node("Add", [source, added], f"{name}.sum")
        scale = self.constant(f"{name}.scale", self.weights.floats(f"{norm}.w"))
        shift = self.constant(f"{name}.shift", self.weights.floats(f"{norm}.b"))
        return self.node("LayerNormalization", [total, scale, shift], name, axis=-1, epsilon=self.weights.epsilon)


def _embedding(graph: _Graph) -> str:
    """Word rows + position rows (the only token type is added to them here, once), normalised."""
    weights, hidden = graph.weights, graph.weights.shape.hidden
    positions = weights.floats("emb.pos").reshape(-1, hidden) + weights.floats("emb.type").reshape(-1, hidden)[0]
    graph.constant("positions", positions)
    graph.constant("zero", np.array([0], np.int64))
    graph.node("Shape", ["rows"], "tokens", start=1, end=2)
    graph.node("Slice", ["positions", "zero", "tokens", "zero"], "position_rows")
    graph.node("Unsqueeze", ["position_rows", "zero"], "position_batch")
    return graph.add_and_norm("embedded", "rows", "position_batch", "emb.ln")


def _layer(graph: _Graph, index: int, source: str) -> str:
    shape, prefix = graph.weights.shape, f"l{index}."
    joined = graph.linear(f"{prefix}qkv", source, [f"{prefix}q", f"{prefix}k", f"{prefix}v"], shape.hidden)
    heads = [f"{prefix}query", f"{prefix}key", f"{prefix}value"]
    graph.node("Split", [joined], *heads, axis=-1, num_outputs=3)
    context = graph.node("MultiHeadAttention", heads, f"{prefix}context", domain=_MS, num_heads=shape.heads)
    attended = graph.linear(f"{prefix}attended", context, [f"{prefix}ao"], shape.hidden)
    middle = graph.add_and_norm(f"{prefix}middle", source, attended, f"{prefix}aln")
    wide = graph.linear(f"{prefix}wide", middle, [f"{prefix}fi"], shape.hidden)
    bent = graph.node("Gelu", [wide], f"{prefix}bent", domain=_MS)
    narrow = graph.linear(f"{prefix}narrow", bent, [f"{prefix}fo"], shape.feed_forward)
    return graph.add_and_norm(f"{prefix}out", middle, narrow, f"{prefix}oln")


def build_graph(weights: PackedWeights) -> bytes:
    """Return the serialised ONNX model (22 MB, about a second)."""
    from onnx import TensorProto, helper

    graph = _Graph(weights)
    state = _embedding(graph)
    graph.constant("token_axis", np.array([1], np.int64))
    inner = []
    for index in range(weights.shape.layers):
        state = _layer(graph, index, state)
        if index in INNER_LAYERS:
            inner.append(graph.node("ReduceMean", [state, "token_axis"], f"l{index}.mean", keepdims=0))
    graph.node("Concat", inner, "inner", axis=-1)
    graph.node("ReduceMean", [state, "token_axis"], "mean", keepdims=0)
    graph.node("LpNormalization", ["mean"], "vector", axis=-1, p=2)
    hidden = weights.shape.hidden
    proto = helper.make_graph(
        graph.nodes,
        "multilingual-e5-small",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [1, "tokens", hidden])],
        [
            helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, hidden]),
            helper.make_tensor_value_info("inner", TensorProto.FLOAT, [1, len(inner) * hidden]),
        ],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_MS, 1)]
    return bytes(helper.make_model(proto, opset_imports=opsets, ir_version=9).SerializeToString())
