from mdhr_runtime.sinks.outbox import Outbox


def test_the_oldest_goes_when_it_is_full():
    outbox = Outbox(3)
    for number in range(5):
        outbox.put(str(number))
    assert (len(outbox), outbox.dropped) == (3, 2)
    assert [outbox.take() for _ in range(4)] == ["2", "3", "4", None]
