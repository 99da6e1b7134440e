"""The queue with real phones: order, music, the agent that answers, hang-ups, a code to go on a pause."""
import audio
from suite import ROUTES, check_like, check_unlike, heard_by, test

QUEUE = ROUTES + """
[plugin.lua.settings.queues.support]
agents = ["1002"]
strategy = "linear"
timeout = 5
retry = 1
music = "music"
[[route]]
number = "7000"
app = "queue"
args = "support"
[[route]]
number = "*83"
app = "queue"
args = '{"mode": "pause"}'
"""


@test(deadline=60)
def callers_wait_with_music_and_are_served_in_order(e2e):
    system = e2e.fresh(top=QUEUE)
    events = system.api.events()
    e2e.closing.append(events)
    said, file = e2e_voice(system, 31)
    agent = system.phone("1002", say=file)
    first = system.phone("1001")
    first.dial("7000")
    first.wait("CALL_ESTABLISHED")
    agent.wait("CALL_INCOMING")
    second = system.phone("1003")
    second.dial("7000")
    second.wait("CALL_ESTABLISHED")
    joined = events.wait("queue.joined", 5, position=2)
    assert joined["queue"] == "support", joined
    agent.pause(1.5)
    agent.answer()
    left = events.wait("queue.left", 5, reason="connected")
    assert left["agent"] == "1002" and left["wait_ms"] > 1000, left
    agent.wait("CALL_ESTABLISHED")
    agent.pause(3)
    board = {one["name"]: one for one in system.api.call("board.list", name="queue")["boards"]}["queue"]
    assert [member["data"]["state"] for member in board["members"]] == ["talking", "waiting"], board
    agent.hangup()
    first.wait("CALL_CLOSED", 5)
    agent.wait("CALL_INCOMING", 5)
    second.hangup()
    agent.wait("CALL_CLOSED", 5)
    left = events.wait("queue.left", 5, reason="abandoned")
    assert left["joined_position"] == 2, left
    music = audio.speechlike(101, 20, level=3000)
    check_like(said, heard_by(first), windows=3, end=2.5, what="the agent, by the first caller")
    check_like(music, heard_by(second), windows=3, end=3, what="the music of who waits")
    check_unlike(said, heard_by(second), windows=3, end=2.5, what="the agent, by who waits")
    assert board_is_empty(system), system.api.call("board.list")


@test(deadline=40)
def a_paused_agent_is_not_rung(e2e):
    system = e2e.fresh(top=QUEUE)
    events = system.api.events()
    e2e.closing.append(events)
    agent = system.phone("1002")
    agent.dial("*83")
    events.wait("queue.agent", 5, state="paused", agent="1002")
    agent.wait("CALL_CLOSED", 12)
    caller = system.phone("1001")
    caller.dial("7000")
    caller.wait("CALL_ESTABLISHED")
    caller.pause(2)
    assert len(system.api.call("call.list")["calls"][0]["legs"]) == 1, "an agent on a pause is rung"
    caller.hangup()
    events.wait("queue.left", 5, reason="abandoned")


def board_is_empty(system):
    return all(not board["members"] for board in system.api.call("board.list")["boards"])


def e2e_voice(system, seed):
    samples = audio.speechlike(seed, 8)
    return samples, audio.write_wav(f"{system.folder}/agent.wav", samples, silence_after=60, silence_before=0.5)
