"""Which images are in Amazon's registry."""

import pytest

from infra.environment.ecr import ecr_repository


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/vllm:v1", ("eu-west-1", "team/vllm")),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/vllm", ("cn-north-1", "vllm")),
        ("public.ecr.aws/team/vllm:v1", None),
        ("vllm/vllm-openai:v0.18.0", None),
        ("example.com/123456789012.dkr.ecr.eu-west-1.amazonaws.com/vllm", None),
    ],
)
def test_where_an_image_is(image: str, expected: tuple[str, str] | None) -> None:
    """Only what needs a login gets one, at the registry that has the image."""
    found = ecr_repository(image)
    assert (found and (found.region, found.name)) == expected
    assert found is None or image.startswith(f"{found.registry}/")
