"""2xx: shapes, layers and what a graph can do."""

from __future__ import annotations

from ppc.codes.base import codes

GRAPHS = codes(
    PPC201=(
        "shapes differ",
        """Two values that are added element by element have one shape, without broadcasting. The message shows both
        shapes and where each came from.""",
    ),
    PPC202=(
        "shapes do not join",
        "`concat` joins along the channels (the first size); all other sizes must agree.",
    ),
    PPC203=(
        "window too large",
        """The kernel of a convolution or pooling does not fit into its padded input, so there is no window to
        compute.""",
    ),
    PPC204=(
        "not an image",
        """Convolutions and poolings work on images real[channels, height, width], `batch_norm` and `concat` on anything
        with channels; this value has fewer sizes.""",
    ),
    PPC205=(
        "result of another shape",
        """The type after `->` in the model's head is a promise to everybody who uses the model; the last layer gives
        something else.""",
    ),
    PPC206=(
        "padding=same does not fit",
        """`padding=same` keeps the size of an image. That needs stride 1 and an odd kernel; with an even one the
        padding would differ from side to side.""",
    ),
    PPC207=(
        "groups do not divide",
        "A convolution in groups splits the channels that come in and the channels that go out into equal parts.",
    ),
    PPC208=(
        "reshape does not fit",
        "`reshape` keeps the number of values of an example; only the sizes change.",
    ),
    PPC209=(
        "value too large",
        "A value of the model would not fit into any memory. Usually a size was mistyped.",
    ),
    PPC210=(
        "split out of range",
        """`split at k` gives layers 1..k to the client and the rest to the server; both sides need a layer. A layer
        is a `conv2d` or `dense` with the weightless lines up to the next one.""",
    ),
    PPC211=(
        "split after an unknown name",
        """`split after NAME` names a value of the model, by the user's name (`skip = relu`) or the layer's own
        (`conv2`).""",
    ),
    PPC212=(
        "complement does not fit the answer",
        """`complement` flips an answer of two classes (or one probability) by a secret bit; `complement offset`
        shifts an answer of n classes by a secret number. The model must end in one number for each class.""",
    ),
    PPC213=(
        "complement without split",
        "The signal is concatenated to the input of layer k, and k is given by `split at k`.",
    ),
    PPC214=(
        "layer cannot take the signal",
        """The complement adds channels to what layer k reads. A convolution in groups would show them to one group
        only.""",
    ),
    PPC215=(
        "not a row of classes",
        "`softmax`, `argmax` and the classification loss work on one row of numbers for each example.",
    ),
    PPC216=(
        "loss does not fit the result",
        """`softmax_cross_entropy` takes the logits, one for each of at least two classes. It contains the softmax; a
        `softmax` layer before it would apply it twice.""",
    ),
    PPC217=(
        "too much padding",
        """With padding of more than half the window, some windows of a pooling would hold nothing but padding
        (PyTorch refuses it too).""",
    ),
    PPC218=(
        "nothing to train",
        "No parameter of the model would be changed by the training.",
    ),
    PPC219=(
        "batch norm in joint training",
        """Batch statistics need a division and a square root of secrets in every step. Train with batch norm in the
        clear, or leave it out; at inference it is folded into the layer before it.""",
    ),
    PPC220=(
        "no gradient",
        """The layer has no gradient (`argmax` is flat almost everywhere). Put it behind the trained model, not into
        it.""",
    ),
    PPC221=(
        "one value a channel",
        """In training, `batch_norm` divides by the spread of a channel over the batch. One value has no spread: there
        must be two examples or more in a batch, or a feature map larger than 1×1.""",
    ),
    PPC229=(
        "no classes to be right about",
        """`evaluate accuracy` counts the examples whose largest score is that of their label, so the model's result is
        a row with a score for each of at least two classes.""",
    ),
    PPC222=(
        "nothing to compute with",
        """A layer works on real numbers. `index` is the number of a class: an answer, and no quantity that could be
        added or multiplied.""",
    ),
    PPC223=(
        "no split within the limits",
        """`split auto { … }` takes, of the layers that a model can be cut behind, one that keeps within all limits it
        names: how many weights the client is given, how many bytes cross for one example, how long they are on their
        way, how many equations cross for each number of an example. None does. The hint says what each would break;
        `ppc explain MODEL.pnn --split all` shows them in full.""",
    ),
    PPC224=(
        "signal behind the split",
        """The signal of `complement` is the client's secret, so it joins the input of a layer that the client computes:
        of layer k for `split at k`, or of an earlier one, as `at` says.""",
    ),
    PPC225=(
        "picture for a row of numbers",
        """With `complement picture` the signal is shown as a picture, resized to the feature map that it joins. This
        layer reads a row of numbers, which has no height and no width. Let the signal join an earlier convolution, or
        leave `picture` out: then it joins as numbers.""",
    ),
)
