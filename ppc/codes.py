"""Every error code: its title, and what `ppc explain CODE` says about it.

1xx language   2xx names and shapes   3xx numbers and ranges   4xx who may see what
5xx files and machines   6xx import from other systems
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A title for the heading and a paragraph for the reader who wants to know more."""

    title: str
    explanation: str


def _codes(**rows: tuple[str, str]) -> dict[str, Code]:
    return {name: Code(title, " ".join(text.split())) for name, (title, text) in rows.items()}


_LANGUAGE = _codes(
    PPC101=(
        "syntax",
        """The text does not follow the grammar at this place. The message says what was found and what could stand
        there; grammar/README.md shows every form with an example.""",
    ),
    PPC102=(
        "unknown character",
        "This character has no meaning in the language. Comments start with `#`; names are letters, digits and `_`.",
    ),
    PPC103=(
        "unfinished",
        """The text ends inside a block, a bracket or a quoted text. Every `{`, `(`, `[` and `"` needs its partner.""",
    ),
    PPC104=(
        "unknown unit",
        """A number may carry a unit directly behind it: `%` (a hundredth), `us`, `ms`, `s` (seconds), `k`, `M`, `G`
        (thousands, millions, thousand millions). `50%` is 0.5, `40ms` is 0.04.""",
    ),
    PPC105=(
        "unknown argument",
        """The layer takes no argument of this name. Arguments are written `name=value`; the first ones may stand
        without their name, in the order of grammar/README.md.""",
    ),
    PPC106=(
        "program too large",
        """A program is read up to a million characters. A model that a person wrote has a few thousand; weights and
        data live in files of their own.""",
    ),
    PPC107=(
        "argument missing",
        """An argument without a default was not given. `conv2d` needs its channels and its kernel, `dense` its
        features, a pooling its kernel.""",
    ),
    PPC108=(
        "too many arguments",
        "More values stand between the brackets than the layer has arguments.",
    ),
    PPC109=(
        "argument twice",
        "One argument is given two values, once by its place and once by its name, or twice by its name.",
    ),
    PPC110=(
        "wrong kind of value",
        """The argument takes another kind of value: a whole number, a number, a word, a list `[h, w]`, a range
        `-4..4`, or the name of an earlier value.""",
    ),
    PPC111=(
        "number out of range",
        """The number lies outside what the argument may be: a kernel of 0, a dropout of 150 %, a batch of 0, a
        fraction of 80 bits.""",
    ),
    PPC112=(
        "unknown line or option",
        """The block has no line, option or subject of this name. A private block knows `NAME from PARTY`, `weights
        …`, `result to PARTY`, `split`, `complement`, `server clear`, `joint`, `network`, `reveal range of
        weights`; a train block `labels`, `logits`, `model`, `loss`, `sgd`.""",
    ),
    PPC113=(
        "said twice",
        "One fact is stated twice in a block. Two answers to one question would leave it open which one counts.",
    ),
    PPC114=(
        "unknown word",
        "The word is none of those that may stand here; the message lists them or names the nearest.",
    ),
    PPC115=(
        "not built yet",
        """The language has this word, and this version of ppc does not carry out its meaning. It is refused, so that
        nobody believes that it was heard. CHANGELOG.md says what came with which version.""",
    ),
    PPC116=(
        "name defined twice",
        "A name stands for one value, from the line that defines it to the end of the model.",
    ),
    PPC117=(
        "reserved name",
        "Layers, parties and the words of the private and train blocks cannot name a value.",
    ),
    PPC118=(
        "unknown value",
        """The name stands for no value of an earlier line. Values are named by `name = layer`; a value can be used
        only after its line.""",
    ),
    PPC119=(
        "unknown party",
        """The program's `party` line does not name this party. `client` and `server` may be written for the first
        and the second.""",
    ),
    PPC120=(
        "unknown layer",
        "There is no layer, and no value before this line, of that name. grammar/README.md lists the layers.",
    ),
    PPC121=(
        "party named twice",
        "Each party is named once in the `party` line.",
    ),
    PPC122=(
        "model defined twice",
        "Two models of a program have one name; private and train blocks could not tell them apart.",
    ),
    PPC123=(
        "unknown model",
        "A private or train block, or the command line, names a model that the program does not define.",
    ),
    PPC124=(
        "no layers",
        "A model has at least one layer; otherwise its result would be its input.",
    ),
    PPC125=(
        "value in the middle of a line",
        """A line is a pipeline: its first step may name a value to start from, every further step is a layer. Two
        values are joined by `add(…)` or `concat(…)`.""",
    ),
    PPC126=(
        "no input to work on",
        """A line works on what the line before computed. At the start of a model with several inputs there is no
        such value: begin the line with the name of an input. A model has at least one input.""",
    ),
    PPC127=(
        "value never used",
        """An input or the value of a line reaches no output. Usually a name is misspelt, or a line begins from
        another value than was meant.""",
    ),
    PPC128=(
        "too few parties",
        "A private block is about two parties: the client, named first, and the server.",
    ),
    PPC129=(
        "two private blocks of one name",
        """A model may have several private blocks; each but one needs a name of its own: `private model as name { …
        }`. `--as name` chooses between them.""",
    ),
    PPC130=(
        "two train blocks",
        "A model is trained in one way; the program has two train blocks for it.",
    ),
    PPC131=(
        "something is not said",
        """A block must say who holds each input and the weights, and who gets the result; a train block who holds
        the labels, the loss, and the method. Nothing of this is guessed.""",
    ),
    PPC132=(
        "no train block",
        "`--train` asks for a training step of a model that has no train block.",
    ),
    PPC133=(
        "unknown private block",
        "`--as` names a private block that the model does not have.",
    ),
)

_SHAPES = _codes(
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
        "Convolutions and poolings work on images real[channels, height, width]; this value is a row.",
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
)

_RANGES = _codes(
    PPC301=(
        "empty range",
        "A range `low..high` holds the numbers between its ends; its low end must be below its high end.",
    ),
    PPC302=(
        "no bounds",
        """Values on shares are numbers of a finite field, and ranges are proved without looking at a secret. So
        every input of a joint layer needs bounds in the program: `image: real[1, 28, 28] in 0..1`. The owner's
        encoder enforces them.""",
    ),
    PPC303=(
        "overflow to come",
        """With the declared bounds a value could grow beyond the field, and wrap into garbage without a sign. The
        message names the layer, its bits and the field's. Tighter bounds on weights or inputs, fewer fraction
        bits or a wider field help.""",
    ),
    PPC304=(
        "truncation would fail",
        """`truncation = local` lets each party shift its own share. It is wrong by a multiple of p/2^f with
        probability about |x|/p for every value: negligible on mersenne127, once in two million values on
        mersenne61. It is refused there at every level.""",
    ),
    PPC306=(
        "weights without bounds",
        """Ranges of joint layers follow from the bounds of inputs and weights, which are part of the program:
        `weights from lab in -4..4`. A bound that is taken from the weights tells something of them; the line
        `reveal range of weights` says so.""",
    ),
)

_FLOW = _codes(
    PPC401=(
        "leak",
        """With this program a party would see a value that tells of a secret which no line of the program lets it
        see. The message shows the secret, the way it takes, and the place where it would come out. A line such as
        `result to PARTY` or `logits to PARTY` allows an opening by name; `joint` computes without any.""",
    ),
    PPC402=(
        "nowhere to compute",
        """The layers need secrets of different parties, and the private block does not say where these may meet.
        `joint` computes on secret shares; `split at k` with `server clear` lets each side run its layers in the
        clear.""",
    ),
    PPC404=(
        "two places for one layer",
        """`server clear` and `joint` both say where the layers after the split run, and differ. Two private blocks
        can state one each.""",
    ),
)

_FILES = _codes(
    PPC501=(
        "file not readable",
        "The file is missing, may not be read, or ended before it should have. Check the path and its rights.",
    ),
    PPC502=(
        "file damaged",
        """The file is not what its ending says, was cut off or changed on its way, or holds something that ppc does
        not load. Weights are plain arrays by name: .safetensors, .npz, or a torch state_dict (.pt, .pth). Nothing
        that could run code while it loads (a pickled model, an array of Python objects) is ever loaded.""",
    ),
    PPC503=(
        "weights of other names",
        """Every parameter of the model needs one array of its name, `<layer>.<role>`: conv1.weight, conv1.bias,
        batch_norm1.scale. Names of torch are accepted where the file's layers and the model's, taken in order, have
        the same shapes. The message lists every name that is missing and every name that the model does not have;
        `ppc weights list MODEL` prints what is needed.""",
    ),
    PPC504=(
        "weights of other shapes",
        """An array has another shape than its parameter. A conv2d weight is [channels out, channels in / groups,
        height, width] and a dense weight [features out, features in], as in PyTorch. The file may belong to another
        version of the model.""",
    ),
    PPC505=(
        "weights out of bounds",
        """The model declares between which numbers its weights lie (`weights from … in -4..4`), and every range of the
        private computation is proved from that, so no value may be outside. After a batch norm is folded into the
        layer before it, the folded weights must keep the same bounds.""",
    ),
    PPC506=(
        "weights not real numbers",
        """Weights are finite real numbers stored as float16, float32 or float64. Integers, booleans, bfloat16, complex
        numbers, nan and infinity are refused rather than converted silently.""",
    ),
    PPC507=(
        "package missing",
        """This needs a package that is an extra of ppc and is not installed here. The message names the extra; `pip
        install 'ppc[NAME]'` installs it.""",
    ),
    PPC509=(
        "file not writable",
        """The file could not be written completely, so nothing was changed: a file that was there before is still
        there as it was.""",
    ),
)

_IMPORTS = _codes()

CODES: dict[str, Code] = {**_LANGUAGE, **_SHAPES, **_RANGES, **_FLOW, **_FILES, **_IMPORTS}
