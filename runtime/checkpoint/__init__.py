"""What a party keeps of a training on its disk: its shares of what is carried from step to step. Never the other's.

    kept     what a checkpoint holds, and its bytes
    folder   a party's folder of them: the last two, each written whole or not at all
    common   the one from which both parties go on

Called by the roles. One party's checkpoint alone is random numbers; it is encrypted too, for the owner's order of the
examples is in it.
"""
