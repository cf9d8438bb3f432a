"""A small program that trains."""

TEXT = """
party hospital, lab

model tiny(row: real[40] in 0..1) -> real[4] {
    dense(32)
    relu
    dense(4)
}

private tiny {
    row     from hospital
    weights from lab in -1..1
    result  to   hospital
    joint
}

train tiny {
    labels from hospital
    logits to   hospital
    model  to   lab
    loss = softmax_cross_entropy
    sgd(rate=0.1, batch=20, epochs=4)
}
"""
