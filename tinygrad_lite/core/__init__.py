"""The core: tensors, the tape that records what is computed with them, and the walk backwards that differentiates it.

Read it in the order of docs/tour.md: `record`, what a tape writes down; `tensor` and `variable`, the values;
`primitive`, how an operation is defined, and `calling`, what a call of it does; `tape`, `GradientTape`; `backward`,
the walk. `custom_gradient` and `functional` are built on these. `structure`, `arguments`, `jacobian`, `sharing` and
`strict` are helpers.
"""
