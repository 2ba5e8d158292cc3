"""The queues between the pipeline's threads."""

import threading

import pytest
from camera_server import wait_for

from mdhr_runtime.pipeline.channel import Board, Cancelled, Channel


@pytest.fixture
def board():
    return Board()


def in_thread(work):
    """Run something in a thread; gives the thread and a list that receives its error or None."""
    ended = []

    def run():
        try:
            ended.append(work())
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, ended


def take(board, channel):
    with board.changed:
        return channel.take(9)


def test_items_come_in_order_until_the_channel_is_closed(board):
    channel = Channel(board, 3)
    for item in "abc":
        channel.put(item)
    channel.close()
    assert not channel.finished
    assert list(channel) == ["a", "b", "c"]
    assert channel.finished


def test_whoever_puts_waits_for_room(board):
    channel = Channel(board, 2)
    thread, ended = in_thread(lambda: [channel.put(number) for number in range(5)])
    wait_for(lambda: len(channel) == 2)
    assert thread.is_alive()
    items = iter(channel)
    assert [next(items) for _ in range(5)] == list(range(5))
    thread.join(5)
    assert ended
    assert channel.dropped == 0


def test_a_lossy_channel_keeps_the_newest_and_counts(board):
    channel = Channel(board, 2, lossy=True)
    for number in range(5):
        channel.put(number)
    assert take(board, channel) == [3, 4]
    assert channel.dropped == 3


def test_interruptions_are_never_dropped_and_need_no_room(board):
    channel = Channel(board, 2, lossy=True)
    for item in (1, None, None, 2, 3, None, 4):
        channel.put(item)
    assert take(board, channel) == [None, 3, None, 4]
    assert channel.dropped == 2


def test_cancelling_sends_everybody_home(board):
    full, empty = Channel(board, 1), Channel(board, 1)
    full.put(1)
    threads = [in_thread(lambda: full.put(2)), in_thread(lambda: next(iter(empty)))]
    board.cancel()
    for thread, ended in threads:
        thread.join(5)
        assert isinstance(ended[0], Cancelled)
    with pytest.raises(Cancelled):
        empty.put(1)
