"""1xx: the text, its names and its words."""

from __future__ import annotations

from ppc.codes.base import codes

LANGUAGE = codes(
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
        "unit does not fit",
        """A number may carry a unit directly behind it: `%` (a hundredth), `us`, `ms`, `s` (seconds), `k`, `M`, `G`
        (thousands, millions, thousand millions). `50%` is 0.5, `40ms` is 0.04. A time is written with a unit of
        time, and only where a time is meant.""",
    ),
    PPC105=(
        "unknown argument",
        """The layer takes no argument of this name. Arguments are written `name=value`; the first ones may stand
        without their name, in the order of grammar/README.md.""",
    ),
    PPC106=(
        "program too large",
        """A program is read up to 200,000 characters and 10,000 words. A model that a person wrote has a few thousand
        characters, the largest imported ones some ten thousand; weights and data live in files of their own.""",
    ),
    PPC107=(
        "argument missing",
        """An argument without a default was not given, or a phrase ends too early. `conv2d` needs its channels and
        its kernel, `dense` its features, a pooling its kernel; `samples 50` needs its number.""",
    ),
    PPC108=(
        "too many arguments",
        "More values stand between the brackets than the layer has arguments, or more words in a phrase than it has.",
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
        weights`; a train block `labels`, `logits`, `model`, `reuse inputs`, `loss`, `sgd`, and the trainers that
        speak in phrases have lines of their own.""",
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
        """`--train` asks for a training step of a model that has no train block, or whose trainer is none that is
        compiled to a plan: `ppc train` carries those out.""",
    ),
    PPC133=(
        "unknown private block",
        "`--as` names a private block that the model does not have.",
    ),
    PPC134=(
        "lines that do not go together",
        """Each line of the train block can be read, but two of them contradict each other: noise that does not cover
        what is sent, a budget that nothing keeps, more participants needed than there are. The message says which,
        and why.""",
    ),
    PPC135=(
        "several data owners",
        """Each of several data owners is a pair with the one owner of the weights, and all pairs have the same lines:
        `image from hospital_1, hospital_2` in the private block, `data from hospital_1, hospital_2` in the train block
        in the order of their turns. A line names all of them or none. The trained model goes to the owner of the
        weights, or stays on shares: only the last pair is there when the training ends.""",
    ),
)
