"""What a training is made of: the names that the command line offers."""

from __future__ import annotations

from cspine_edge.recipe import Backbone, Head, Optimizer


def test_values_are_the_names_that_run_folders_hold() -> None:
    assert [member.value for member in Backbone] == ["mobilenet", "vgg16", "densenet121"]
    assert [member.value for member in Head] == ["dense", "linear"]
    assert [member.value for member in Optimizer] == ["nadam", "adam"]
