"""What is selected, sent, added and handed out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppc.errors import PpcError
from ppc.ir.selective import Clip, Selective, Upload
from ppc.selective import ParameterServer, Sparse
from ppc.selective.message import bounded, decoded
from ppc.selective.participant import clip
from ppc.selective.selection import places_of_largest, selected

UPDATE = np.array([0.5, -3.0, 0.0, 2.0, -0.1, 2.0], np.float32)


def facts(share: float) -> Selective:
    return Selective(model="m", participants=2, upload=Upload(share=share, how="largest"))


def sparse(*indices: int, version: int = 0) -> Sparse:
    places = np.array(indices, np.uint32)
    return Sparse(6, version, places, np.ones(len(places), np.float32))


def test_a_hundredth_of_the_papers_parameters_is_what_the_paper_sends() -> None:
    assert facts(0.01).uploaded(298_732) == 2_987
    assert Sparse.predicted_bytes(2_987) == 23_896 + 24  # eight bytes a coordinate, and the head


@pytest.mark.parametrize(
    ("share", "parameters", "expected"), [(0.001, 10, 1), (1.0, 10, 10), (0.29, 100, 29), (0.0, 5, 1)]
)
def test_a_share_is_rounded_down_and_never_nothing(share: float, parameters: int, expected: int) -> None:
    assert facts(share).uploaded(parameters) == expected


def test_the_largest_are_selected_by_size_and_the_first_of_equal_ones() -> None:
    coins = np.random.default_rng(0)

    assert selected(UPDATE, Upload(share=1, how="largest"), 2, coins).tolist() == [1, 3]


def test_random_ones_never_lie_at_or_below_the_threshold_and_may_be_fewer() -> None:
    upload = Upload(share=1, how="random", above=0.5)

    chosen = [selected(UPDATE, upload, 5, np.random.default_rng(seed)).tolist() for seed in range(20)]

    assert all(one == [1, 3, 5] for one in chosen)


@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=40), st.integers(1, 45))
def test_no_coordinate_that_stays_is_larger_than_one_that_goes(values: list[float], count: int) -> None:
    vector = np.array(values, np.float32)

    places = places_of_largest(vector, count)

    assert len(places) == min(count, len(vector)) == len(set(places.tolist()))
    rest = np.delete(vector, places)
    assert rest.size == 0 or rest.max() <= vector[places].min()


def test_clipping_bounds_each_coordinate_or_the_length() -> None:
    assert clip(UPDATE, Clip(bound=1.0)).tolist() == [0.5, -1.0, 0.0, 1.0, pytest.approx(-0.1), 1.0]
    assert np.linalg.norm(clip(UPDATE, Clip(bound=1.0, whole=True))) == pytest.approx(1.0, rel=1e-6)
    assert clip(UPDATE[:1], Clip(bound=1.0, whole=True)).tolist() == [0.5]


def test_a_message_survives_its_way() -> None:
    sent = Sparse(6, 9, np.array([1, 4], np.uint32), np.array([0.25, -1.5], np.float32))

    found = decoded(sent.encoded(), size=6, most=2)

    assert (found.version, found.indices.tolist(), found.values.tolist()) == (9, [1, 4], [0.25, -1.5])
    assert len(sent.encoded()) == Sparse.predicted_bytes(2)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        sparse(1, 2).encoded()[:-1],
        sparse(1, 2).encoded() + b"\0",
        Sparse(7, 0, np.array([1], np.uint32), np.ones(1, np.float32)).encoded(),
        sparse(1, 6).encoded(),
        sparse(2, 2).encoded(),
        sparse(3, 2).encoded(),
        sparse(0, 1, 2, 3).encoded(),
        Sparse(6, 0, np.array([1], np.uint32), np.array([np.nan], np.float32)).encoded(),
        Sparse(6, 0, np.array([1], np.uint32), np.array([np.inf], np.float32)).encoded(),
    ],
    ids=["empty", "cut", "longer", "other model", "outside", "twice", "unordered", "too many", "nan", "infinite"],
)
def test_a_damaged_message_is_refused(damaged: bytes) -> None:
    with pytest.raises(PpcError) as caught:
        decoded(damaged, size=6, most=3)

    assert caught.value.diagnostics[0].code == "PPC680"


def test_values_beyond_the_clip_are_refused() -> None:
    bounded(sparse(1, 2), Clip(bound=1.0))
    bounded(sparse(1), Clip(bound=1.0, whole=True))
    with pytest.raises(PpcError, match="clip"):
        bounded(sparse(1), Clip(bound=0.5))
    with pytest.raises(PpcError, match="of length"):
        bounded(sparse(1, 2), Clip(bound=1.0, whole=True))


def test_the_server_hands_out_what_was_updated_lately() -> None:
    server = ParameterServer(np.zeros(6, np.float32), decay=0.5)
    for update in (sparse(0, 1), sparse(1, 2), sparse(2, 3)):
        server.upload(update)

    assert server.counts.tolist() == [0.25, 0.75, 1.5, 1.0, 0.0, 0.0]
    assert server.download(2).indices.tolist() == [2, 3]


def test_staleness_counts_the_uploads_since_the_download() -> None:
    server = ParameterServer(np.zeros(6, np.float32))

    assert [server.upload(sparse(1, version=0)) for _ in range(3)] == [0, 1, 2]


def test_no_update_is_lost_when_ten_come_at_once() -> None:
    server = ParameterServer(np.zeros(6, np.float32), scale=0.5)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: server.upload(sparse(0, 3)), range(1000)))

    assert server.vector.tolist() == [500, 0, 0, 500, 0, 0]
    assert server.version == 1000
