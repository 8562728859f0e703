"""The core: tensors, the tape that records what is computed with them, and the walk backwards that differentiates it.

Read it in this order: `tensor` and `variable`, the values; `record`, what a tape writes down; `tape`, `GradientTape`;
`backward`, the walk; `primitive`, how an operation is defined, and `calling`, what a call of it does. The rest stands
on these: `sharing` and `jacobian`, `arguments`, `custom_gradient`, `functional`, `structure` and `strict`.
"""
