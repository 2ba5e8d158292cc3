"""The queues between the pipeline's threads."""

import signal
import threading
from contextlib import suppress

import pytest
from camera_server import wait_for

from mdhr_runtime.pipeline import channel as module
from mdhr_runtime.pipeline.channel import Cancelled, Channel, Wakeup


def in_thread(work):
    """Run something in a thread; gives the thread and a list that receives its result or `Cancelled`."""
    ended = []

    def run():
        try:
            ended.append(work())
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, ended


def drained(channel):
    channel.close()
    return list(channel)


def test_items_come_in_order_until_the_channel_is_closed():
    channel = Channel(3)
    for item in "abc":
        channel.put(item)
    channel.close()
    assert not channel.finished
    assert list(channel) == ["a", "b", "c"]
    assert channel.finished


def test_whoever_puts_waits_for_room():
    channel = Channel(2)
    thread, ended = in_thread(lambda: [channel.put(number) for number in range(5)])
    wait_for(lambda: len(channel) == 2)
    assert thread.is_alive()
    items = iter(channel)
    assert [next(items) for _ in range(5)] == list(range(5))
    thread.join(5)
    assert ended
    assert channel.dropped == 0


def test_whoever_takes_waits_for_an_item():
    channel = Channel(2)
    thread, ended = in_thread(lambda: list(channel))
    for number in range(5):
        channel.put(number)
    assert thread.is_alive()
    channel.close()
    thread.join(5)
    assert ended == [list(range(5))]


def test_a_lossy_channel_keeps_the_newest_and_counts():
    channel = Channel(2, lossy=True)
    for number in range(5):
        channel.put(number)
    assert channel.dropped == 3
    assert drained(channel) == [3, 4]


def test_interruptions_are_never_dropped_and_need_no_room():
    channel = Channel(2, lossy=True)
    for item in (1, None, None, 2, 3, None, 4):
        channel.put(item)
    assert channel.dropped == 2
    assert drained(channel) == [None, 3, None, 4]


def test_interruptions_that_a_drop_brings_together_are_one():
    channel = Channel(1, lossy=True)
    for number in range(100):
        channel.put(number)
        channel.put(None)
    assert channel.dropped == 99
    assert drained(channel) == [None, 99, None]


def test_nothing_is_lost_or_doubled_between_two_threads():
    channel = Channel(3)
    in_thread(lambda: [channel.put(number) for number in range(20_000)] and channel.close())
    assert list(channel) == list(range(20_000))


def test_a_lossy_channel_between_two_threads_gives_all_that_it_does_not_count_as_dropped():
    channel = Channel(1, lossy=True)
    in_thread(lambda: [channel.put(number) for number in range(20_000)] and channel.close())
    taken = list(channel)
    assert taken == sorted(set(taken))
    assert taken[-1] == 19_999
    assert len(taken) + channel.dropped == 20_000


def test_one_thread_can_wait_for_several_channels():
    arrival = Wakeup()
    channels = [Channel(1, arrival=arrival) for _ in range(3)]

    def take_all():
        taken = []
        while not all(channel.finished for channel in channels):
            arrival.wait_for(lambda: any(map(len, channels)) or all(channel.finished for channel in channels))
            taken += [(channel.peek(), channel.take()) for channel in channels if len(channel)]
        return taken

    thread, ended = in_thread(take_all)
    for number in range(300):
        channels[number % 3].put(number)
    for channel in channels:
        channel.close()
    thread.join(10)
    assert sorted(ended[0]) == [(number, number) for number in range(300)]


def test_cancelling_ends_all_waits():
    full, empty = Channel(1), Channel(1)
    full.put(1)
    threads = [in_thread(lambda: full.put(2)), in_thread(lambda: next(iter(empty)))]
    for channel in (full, empty):
        channel.cancel()
    for thread, ended in threads:
        thread.join(5)
        assert isinstance(ended[0], Cancelled)
    with pytest.raises(Cancelled):
        empty.put(1)
    items = iter(full)
    assert next(items) == 1  # what is there can still be taken
    with pytest.raises(Cancelled):
        next(items)


class Struck(BaseException):
    """Like Ctrl-C."""


@pytest.mark.parametrize("size", [1, 3])
def test_a_signal_may_raise_at_any_moment_in_whoever_takes(size):
    """After thousands of signals in the midst of its work, all items that were not just being taken have come."""
    count, taken, struck = 20_000, [], 0

    def strike(_number, frame):
        nonlocal struck
        if frame is not None and frame.f_code.co_filename == module.__file__:
            struck += 1
            raise Struck

    channel = Channel(size)
    thread, _ = in_thread(lambda: [channel.put(number) for number in range(count)] and channel.close())
    before = signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    try:
        ended = False
        while not ended:
            with suppress(Struck):
                taken.extend(iter(channel))
                ended = True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    thread.join(5)
    assert not thread.is_alive()
    assert struck > 50
    assert taken == sorted(set(taken))
    assert count - len(taken) <= struck
