"""What a process of each role does with a bundle: a party, and the dealer.

    request    how many examples, in which batches: the same at everybody
    brought    what a party gives, by the names of the plan; it leaves only as the plan says
    dealt      a party's end of the dealer
    party      a run of a party, counted
    deal       the dealer, for many sessions
    service    a server that keeps answering
    shelved    a party's secrets from files
    meeting    how the processes find each other
    checkup    what a connection is worth, before a run
    trace      when what was done, for a picture

Called by the front door, which reads files and prints. Between processes there is TLS only (ppc.runtime.wire).
"""
