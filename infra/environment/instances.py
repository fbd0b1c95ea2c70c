"""The instance types that models can run on, and what they offer.

A table and not a query: `validate` works without an account or a network. It holds x86 types with whole
NVIDIA GPUs, and general-purpose families for engines that run on processors. Source: the instance type pages
of the EC2 User Guide (https://docs.aws.amazon.com/ec2/latest/instancetypes/); a test compares it with the
copy of `DescribeInstanceTypes` that moto carries. GPU memory is in MiB as EC2 reports it, usable memory being
a little less than the number on the box.
"""

from dataclasses import dataclass
from functools import cache

# What CUDA reports as a GPU's total memory, in GiB, by the name and EC2's MiB: ECC and the driver keep the
# rest. The largest of several reports counts; without one, EC2's number does. Each is from an error message
# of PyTorch's ("GPU 0 has a total capacity of ..."), in the thread named.
_USABLE = {
    ("T4", 16384): 14.58,  # github.com/datawhalechina/self-llm/issues/162
    ("A10G", 22888): 22.20,  # huggingface.co/bigcode/starcoder/discussions/66, on a g5.8xlarge
    ("V100", 16384): 15.77,  # github.com/meta-llama/llama/issues/918
    ("V100", 32768): 31.74,  # github.com/haotian-liu/LLaVA/issues/812
    ("A100", 40960): 39.59,  # github.com/meta-llama/llama/issues/52
    ("A100", 81920): 79.33,  # github.com/QwenLM/Qwen3/issues/67
    ("H100", 81920): 79.10,  # github.com/pytorch/torchtitan/issues/1789, by the shares it logs
    ("H200", 144384): 139.72,  # github.com/sgl-project/sglang/issues/2895
}


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """The accelerators of an instance type; all of one kind."""

    name: str
    count: int
    memory_mib: int
    """Of each one."""

    @property
    def usable_gib(self) -> float:
        """What CUDA has of it."""
        return _USABLE.get((self.name, self.memory_mib), self.memory_mib / 1024)


@dataclass(frozen=True, kw_only=True)
class InstanceType:
    """What one instance offers."""

    name: str
    vcpus: int
    memory_gib: float
    gpu: Gpu | None = None


# family: GPU, MiB of each one, then a "size:GPUs/vCPUs/GiB" for each size.
_GPU_FAMILIES = {
    "g4dn": (
        "T4",
        16384,
        "xlarge:1/4/16 2xlarge:1/8/32 4xlarge:1/16/64 8xlarge:1/32/128 16xlarge:1/64/256 "
        "12xlarge:4/48/192 metal:8/96/384",
    ),
    "g5": (
        "A10G",
        22888,
        "xlarge:1/4/16 2xlarge:1/8/32 4xlarge:1/16/64 8xlarge:1/32/128 16xlarge:1/64/256 "
        "12xlarge:4/48/192 24xlarge:4/96/384 48xlarge:8/192/768",
    ),
    "g6": (
        "L4",
        22888,
        "xlarge:1/4/16 2xlarge:1/8/32 4xlarge:1/16/64 8xlarge:1/32/128 16xlarge:1/64/256 "
        "12xlarge:4/48/192 24xlarge:4/96/384 48xlarge:8/192/768",
    ),
    "gr6": ("L4", 22888, "4xlarge:1/16/128 8xlarge:1/32/256"),
    "g6e": (
        "L40S",
        45776,
        "xlarge:1/4/32 2xlarge:1/8/64 4xlarge:1/16/128 8xlarge:1/32/256 16xlarge:1/64/512 "
        "12xlarge:4/48/384 24xlarge:4/96/768 48xlarge:8/192/1536",
    ),
    "g7": (
        "RTX PRO 4500",
        32768,
        "2xlarge:1/8/32 4xlarge:1/16/64 8xlarge:1/32/128 12xlarge:2/48/192 24xlarge:4/96/384 "
        "48xlarge:8/192/768",
    ),
    "g7e": (
        "RTX PRO Server 6000",
        98304,
        "2xlarge:1/8/64 4xlarge:1/16/128 8xlarge:1/32/256 12xlarge:2/48/512 24xlarge:4/96/1024 "
        "48xlarge:8/192/2048",
    ),
    "p3": ("V100", 16384, "2xlarge:1/8/61 8xlarge:4/32/244 16xlarge:8/64/488"),
    "p3dn": ("V100", 32768, "24xlarge:8/96/768"),
    "p4d": ("A100", 40960, "24xlarge:8/96/1152"),
    "p4de": ("A100", 81920, "24xlarge:8/96/1152"),
    "p5": ("H100", 81920, "4xlarge:1/16/256 48xlarge:8/192/2048"),
    "p5e": ("H200", 144384, "48xlarge:8/192/2048"),
    "p5en": ("H200", 144384, "48xlarge:8/192/2048"),
    "p6-b200": ("B200", 183359, "48xlarge:8/192/2048"),
    "p6-b300": ("B300", 275040, "48xlarge:8/192/4096"),
}

# family: GiB for each vCPU; every family has every one of these sizes.
_CPU_FAMILIES = {
    **dict.fromkeys(("c6a", "c6i", "c7a", "c7i", "c8a", "c8i"), 2),
    **dict.fromkeys(("m6a", "m6i", "m7a", "m7i", "m8i"), 4),
    **dict.fromkeys(("r6i", "r7a", "r7i"), 8),
}
_CPU_SIZES = {
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "8xlarge": 32,
    "12xlarge": 48,
    "16xlarge": 64,
    "24xlarge": 96,
}


@cache
def catalogue() -> dict[str, InstanceType]:
    """Every known instance type by name."""
    types = [*_gpu_types(), *_cpu_types()]
    return {each.name: each for each in types}


def gpus(types: tuple[str, ...]) -> int:
    """GPUs of one instance of these types, all of which have the same number; 0 when there are none."""
    known = catalogue()
    offered = [known[name].gpu for name in types if name in known]
    return min((gpu.count if gpu else 0 for gpu in offered), default=0)


def _gpu_types() -> list[InstanceType]:
    types = []
    for family, (gpu, memory, sizes) in _GPU_FAMILIES.items():
        for entry in sizes.split():
            size, _, numbers = entry.partition(":")
            count, vcpus, gib = (int(number) for number in numbers.split("/"))
            types.append(
                InstanceType(
                    name=f"{family}.{size}",
                    vcpus=vcpus,
                    memory_gib=gib,
                    gpu=Gpu(name=gpu, count=count, memory_mib=memory),
                )
            )
    return types


def _cpu_types() -> list[InstanceType]:
    return [
        InstanceType(name=f"{family}.{size}", vcpus=vcpus, memory_gib=vcpus * ratio)
        for family, ratio in _CPU_FAMILIES.items()
        for size, vcpus in _CPU_SIZES.items()
    ]
