"""A test process and the process of the code under test, each in its own sandbox, over one stream of JSON.

    values.py    plain data as tagged JSON
    wire.py      messages over two descriptors
    peer.py      calls and answers, in both directions
    mirror.py    local classes that stand for the other side's
    mirrored.py  what they do
    special.py   their operators, and what is believed of them
    functions.py functions of the tests as functions there
    guard.py     what the other side may do with objects of this one
    shared.py    temporary files that both sides see
    effects.py   printed text, warnings, environment variables
    patches.py   functions of the standard library that a test replaces
    system.py    the system's calls that this package itself uses
    lockdown.py  what came from the code under test is never run beside the verdict
    subject.py   the tests' side: importing the code under test gives mirrors
    plugin.py    the tests' side within pytest
    run_tests.py the tests' side: pytest over it
    serve.py     the code's side: does what it is asked

The tests' side decides and believes nothing: what comes in is data within bounds, or a mirror, which is equal to no
plain data. The code's side may be anything at all.
"""
