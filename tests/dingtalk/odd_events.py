"""Events that nobody would send, for tests that nothing falls over them."""

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)
NAMES = st.sampled_from(
    [
        "conferenceId",
        "openConfModel",
        "openMemberModels",
        "statusSeqNum",
        "changeScene",
        "userId",
        "userNick",
        "attendStatus",
        "joinTime",
        "leaveTime",
        "pstnJoin",
        "suiteTicket",
        "title",
        "status",
    ]
)
DATA = st.dictionaries(
    NAMES, JSON | st.lists(st.dictionaries(NAMES, JSON, max_size=6), min_size=1, max_size=3)
)
