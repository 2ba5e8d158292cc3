"""The columns of whole tables, as the programs write them."""

import pytest

from mdhr_runtime.sinks.columns import columns
from mdhr_train.own_videos.columns import Columns

KNOWN = frozenset((1, 2, 4, 12))


def counted(pattern, count):
    return [pattern.format(index) for index in range(count)]


OPENFACE = (
    ["frame", "face_id", "timestamp", "confidence", "success"]
    + [f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"]
    + ["gaze_angle_x", "gaze_angle_y", *counted("eye_lmk_x_{}", 56), *counted("eye_lmk_Z_{}", 56)]
    + [f"pose_{kind}{axis}" for kind in "TR" for axis in "xyz"]
    + [*counted("x_{}", 68), *counted("y_{}", 68), *counted("X_{}", 68), *counted("Y_{}", 68), *counted("Z_{}", 68)]
    + ["p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty", *counted("p_{}", 34), "AU01_r", "AU12_r", "AU12_c", "AU28_c"]
)
PY_FEAT = [
    *("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"),
    *counted("x_{}", 68),
    *counted("y_{}", 68),
    *("Pitch", "Roll", "Yaw", "X", "Y", "Z", "AU01", "AU12", "anger", "neutral"),
    *counted("Identity_{}", 512),
    *("gaze_pitch", "gaze_yaw", "FrameHeight", "FrameWidth", "input", "frame", "approx_time", "Identity"),
]
LIBREFACE = [
    *("", "frame_idx", "frame_time_in_ms", "path_to_frame", "aligned_frame_path", "pitch", "yaw", "roll"),
    *counted("lm_mp_{}_x", 478),
    *("au_1", "au_12", "au_1_intensity", "facial_expression"),
]
MDHR_RUN = [column.name for column in columns(("AU01", "AU12"), landmarks=True)]
BORIS = [
    "Observation id",
    "Observation date",
    "Description",
    "Observation duration",
    "Observation type",
    "Source",
    "Time offset (s)",
    "Subject",
    "Coding duration",
    "Media duration (s)",
    "FPS (frame/s)",
    "Behavior",
    "Behavioral category",
    "Modifier #1",
    "Behavior type",
    "Time",
    "Media file name",
    "Image index",
    "Image file path",
    "Comment",
]
AGGREGATED = [
    "Observation id",
    "Observation date",
    "Description",
    "Observation type",
    "Source",
    "Time offset (s)",
    "Coding duration",
    "Media duration (s)",
    "FPS (frame/s)",
    "Subject",
    "Observation duration by subject by observation",
    "Behavior",
    "Behavioral category",
    "Modifier #1",
    "Behavior type",
    "Start (s)",
    "Stop (s)",
    "Duration (s)",
    "Media file name",
    "Image index start",
    "Image index stop",
    "Image file path start",
    "Image file path stop",
    "Comment start",
    "Comment stop",
]
NOLDUS = [
    "Date_Time_Absolute_dmy_hmsf",
    "Date_dmy",
    "Time_Absolute_hms",
    "Time_Absolute_f",
    "Time_Relative_hmsf",
    "Time_Relative_hms",
    "Time_Relative_f",
    "Time_Relative_sf",
    "Duration_sf",
    "Result_Container",
    "Observation",
    "Event_Log",
    "Subject",
    "Behavior",
    "Modifier_1",
    "Modifier_2",
    "Event_Type",
    "Comment",
    "",
]
ELAN = ["Tier"] + [
    f"{what} Time - {unit}" for what in ("Begin", "End") for unit in ("hh:mm:ss.ms", "ss.msec", "msec", "PAL")
]


@pytest.mark.parametrize(
    ("names", "tool", "roles", "aus"),
    [
        (
            OPENFACE,
            "OpenFace",
            {"frame": "frame", "time": "timestamp", "face": "face_id", "success": "success"},
            {"AU01_r": "intensity", "AU12_r": "intensity", "AU12_c": "occurrence", "AU28_c": "occurrence"},
        ),
        (
            PY_FEAT,
            "py-feat",
            {"frame": "frame", "video": "input", "person": "Identity"},
            {"AU01": "plain", "AU12": "plain"},
        ),
        (
            LIBREFACE,
            "LibreFace",
            {"frame": "frame_idx", "time": "frame_time_in_ms"},
            {"au_1": "plain", "au_12": "plain", "au_1_intensity": "intensity"},
        ),
        (
            MDHR_RUN,
            "mdhr-run",
            {
                **{"frame": "frame", "time": "timestamp", "face": "face_id", "person": "person"},
                **{"success": "success", "final": "final", "video": "source"},
            },
            {"AU01_p": "score", "AU12_p": "score", "AU01_c": "occurrence", "AU12_c": "occurrence"},
        ),
        (
            BORIS,
            "BORIS",
            {
                **{"video": ("Observation id", "Source", "Media file name"), "subject": "Subject", "time": "Time"},
                **{"code": "Behavior", "grade": "Modifier #1", "type": "Behavior type"},
            },
            {},
        ),
        (
            AGGREGATED,
            "BORIS",
            {
                **{"video": ("Observation id", "Source", "Media file name"), "subject": "Subject", "code": "Behavior"},
                **{"grade": "Modifier #1", "type": "Behavior type", "start": "Start (s)", "end": "Stop (s)"},
                "duration": "Duration (s)",
            },
            {},
        ),
        (
            NOLDUS,
            "Noldus Observer",
            {
                **{"video": "Observation", "subject": "Subject", "time": "Time_Relative_sf", "code": "Behavior"},
                **{"duration": "Duration_sf", "grade": "Modifier_1", "type": "Event_Type"},
            },
            {},
        ),
        (
            ELAN,
            "ELAN",
            {
                "tier": "Tier",
                "start": ("Begin Time - hh:mm:ss.ms", "Begin Time - ss.msec", "Begin Time - msec"),
                "end": ("End Time - hh:mm:ss.ms", "End Time - ss.msec", "End Time - msec"),
            },
            {},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_columns_mean_what_their_program_says(names, tool, roles, aus):
    found = Columns(names, KNOWN)
    assert found.tool == tool
    named = {role: tuple(names[index] for index in indices) for role, indices in found.roles.items() if indices}
    assert named == {role: name if isinstance(name, tuple) else (name,) for role, name in roles.items()}
    assert {names[index]: kind for (_, kind), indices in found.aus.items() for index in indices} == aus
    assert found.is_labels
    assert found.misread == []


@pytest.mark.parametrize(
    ("name", "role", "unit"),
    [
        ("timestamp", "time", ""),
        ("Time (ms)", "time", "ms"),
        ("frame_time_in_ms", "time", "ms"),
        ("Seconds", "time", "s"),
        ("Time_Relative_sf", "time", "s"),
        ("start", "start", ""),
        ("Start (s)", "start", "s"),
        ("begin time [msec]", "start", "ms"),
        ("start frame", "start", "frame"),
        ("frame_start", "start", "frame"),
        ("Begin Time - ss.msec", "start", "s"),
    ],
)
def test_units_of_times(name, role, unit):
    assert Columns([name], KNOWN).unit(role) == unit


@pytest.mark.parametrize(
    ("name", "au"),
    [
        *((name, (12, "plain")) for name in ("AU12", "au_12", " AU 12 ", "12", "AU012", "au-12", "Au.12")),
        *((name, (1, "occurrence")) for name in ("AU01_c", "AU1 occurrence", "au1.c", "1_c")),
        *((name, (2, "intensity")) for name in ("AU02_r", "au_2_intensity", "AU2 int")),
        *((name, (4, "score")) for name in ("AU04_p", "AU4 probability")),
        *((name, None) for name in ("3", "AU", "AU12x", "AU12.1", "12 Monkeys", "0", "1.5", "x_12", "AU100")),
    ],
)
def test_names_of_aus(name, au):
    assert list(Columns([name], KNOWN).aus) == ([] if au is None else [au])
