"""Every public file of weights: where it is, what it may be used for, how to know it.

Data sets are entries of :mod:`l4f_bench.datasets.specs`: they are large or need an agreement, so
that nobody but the user should download them.
"""

from __future__ import annotations

from l4f_bench.registry import Registry
from l4f_bench.weight_spec import Licence, WeightSpec, google_drive_url

_APACHE = Licence(name="Apache-2.0", url="https://www.apache.org/licenses/LICENSE-2.0")
_BSD = Licence(name="BSD-3-Clause", url="https://github.com/pytorch/vision/blob/main/LICENSE")
_CC_BY_SA = Licence(name="CC BY-SA 3.0", url="https://creativecommons.org/licenses/by-sa/3.0/")
_NVIDIA = Licence(
    name="Nvidia Source Code License-NC (non-commercial)",
    url="https://nvlabs.github.io/stylegan2/license.html",
    non_commercial=True,
)
_NVIDIA_ADA = Licence(
    name="NVIDIA Source Code License for StyleGAN2-ADA (non-commercial)",
    url="https://nvlabs.github.io/stylegan2-ada-pytorch/license.html",
    non_commercial=True,
)
_CELEBAMASK = Licence(
    name="CelebAMask-HQ agreement (non-commercial research and education)",
    url="https://github.com/switchablenorms/CelebAMask-HQ#dataset-agreement",
    non_commercial=True,
)
_UNSTATED = Licence(name="not stated by the publisher", url=None)

_GENERATED = ("ffhq", "cat", "horse", "car")
_NVIDIA_CDN = "https://nvlabs-fi-cdn.nvidia.com"
_DETECTRON2_URL = (
    "https://dl.fbaipublicfiles.com/detectron2/COCO-InstanceSegmentation/"
    "mask_rcnn_R_101_FPN_3x/138205316/model_final_a3ec72.pkl"
)

WEIGHTS: Registry[WeightSpec] = Registry("weights")
for _spec in (
    WeightSpec(
        name="bisenet",
        title="BiSeNet face parsing, 19 classes (79999_iter.pth)",
        file_name="parsing_bisenet.pth",
        urls=(
            "https://github.com/xinntao/facexlib/releases/download/v0.2.0/parsing_bisenet.pth",
            google_drive_url("154JgKpzCPW82qINcVieuPH3fZ2e0P812"),
        ),
        # The code is MIT; the weights come from CelebAMask-HQ, whose agreement covers what is
        # derived from it.
        licence=_CELEBAMASK,
        num_bytes=53_289_463,
        sha256="468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567",
        source="https://github.com/zllrunning/face-parsing.PyTorch",
        used_for="pseudo ground truth of faces",
        datasets=("ffhq", "celebamask"),
    ),
    WeightSpec(
        name="mask-rcnn-r101",
        title="Mask R-CNN R101-FPN 3x of detectron2, COCO",
        file_name="model_final_a3ec72.pkl",
        urls=(_DETECTRON2_URL,),
        licence=_CC_BY_SA,
        # detectron2's model zoo: "contains its md5 prefix in its file name".
        md5_prefix="a3ec72",
        source="https://github.com/facebookresearch/detectron2/blob/main/MODEL_ZOO.md",
        used_for="pseudo ground truth of cats, horses and cars; screening of PSeg's faces",
        datasets=("cat", "horse", "car"),
    ),
    WeightSpec(
        name="torchvision-mask-rcnn",
        title="Mask R-CNN R50-FPN v2 of torchvision, COCO",
        file_name="maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
        urls=("https://download.pytorch.org/models/maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",),
        licence=_BSD,
        sha256="73cbd019",
        source="https://pytorch.org/vision/stable/models.html",
        used_for="a second annotator, to see how far scores depend on the first",
    ),
    WeightSpec(
        name="fid-inception",
        title="Inception v3 of the TensorFlow FID code, ported",
        file_name="pt_inception-2015-12-05-6726825d.pth",
        urls=(
            "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
            "pt_inception-2015-12-05-6726825d.pth",
        ),
        licence=_APACHE,
        num_bytes=95_628_359,
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        source="https://github.com/mseitzer/pytorch-fid",
        used_for="Fréchet Inception distance",
        datasets=_GENERATED,
    ),
    WeightSpec(
        name="labels4free-alpha",
        title="Alpha networks published with Labels4Free",
        # The publisher's file name is not known; this one is ours.
        file_name="labels4free-alpha-networks",
        urls=(google_drive_url("1DplX40bDAZwq15S3SavO2pbqpfpbfEIT"),),
        licence=_UNSTATED,
        source="https://github.com/RameenAbdal/Labels4Free",
        used_for="masks of the published method",
        datasets=(*_GENERATED, "celebamask"),
    ),
    WeightSpec(
        name="stylegan2-ada-ffhq",
        title="StyleGAN2 FFHQ 1024 (PyTorch pickle of StyleGAN2-ADA)",
        file_name="ffhq.pkl",
        urls=(f"{_NVIDIA_CDN}/stylegan2-ada-pytorch/pretrained/ffhq.pkl",),
        licence=_NVIDIA_ADA,
        num_bytes=381_624_121,
        sha256="a205a346e86a9ddaae702e118097d014b7b8bd719491396a162cca438f2f524c",
        source="https://github.com/NVlabs/stylegan2-ada-pytorch",
        used_for="generator and discriminator of faces",
        datasets=("ffhq", "celebamask"),
    ),
    *(
        WeightSpec(
            name=f"stylegan2-{_name}",
            title=f"StyleGAN2 config-f {_title} (TensorFlow pickle)",
            file_name=f"stylegan2-{_name}-config-f.pkl",
            urls=(f"{_NVIDIA_CDN}/stylegan2/networks/stylegan2-{_name}-config-f.pkl",),
            licence=_NVIDIA,
            source="https://github.com/NVlabs/stylegan2",
            used_for=f"generator and discriminator of {_objects}",
            datasets=() if _name == "ffhq" else (_name,),
            alternative_to="stylegan2-ada-ffhq" if _name == "ffhq" else None,
        )
        for _name, _title, _objects in (
            ("ffhq", "FFHQ 1024", "faces"),
            ("car", "LSUN-Car 512", "cars"),
            ("cat", "LSUN-Cat 256", "cats"),
            ("horse", "LSUN-Horse 256", "horses"),
        )
    ),
    WeightSpec(
        name="stylegan2-ffhq-rosinality",
        title="StyleGAN2 config-f FFHQ 1024 in rosinality's layout",
        file_name="stylegan2-ffhq-config-f.pt",
        urls=(google_drive_url("1EM87UquaoQmk17Q8d5kYIAHqu0dkYqdT"),),
        licence=_NVIDIA,
        source="https://github.com/eladrich/pixel2style2pixel#pretrained-models",
        used_for="generator of faces",
        alternative_to="stylegan2-ada-ffhq",
    ),
    WeightSpec(
        name="psp-ffhq",
        title="pixel2style2pixel encoder of FFHQ, with its generator",
        file_name="psp_ffhq_encode.pt",
        urls=(google_drive_url("1bMTNWkh5LArlaWSc_wa8VKyq2V42T2z0"),),
        # The code is MIT; the file holds NVIDIA's generator.
        licence=_NVIDIA,
        source="https://github.com/eladrich/pixel2style2pixel#pretrained-models",
        used_for="projection of real faces",
        datasets=("celebamask",),
    ),
    *(
        WeightSpec(
            name=f"e4e-{_name}",
            title=f"e4e encoder of {_objects}, with its generator",
            file_name=f"e4e_{_file}_encode.pt",
            urls=(google_drive_url(_file_id),),
            licence=_NVIDIA,
            source="https://github.com/omertov/encoder4editing",
            used_for=f"projection of real {_objects}",
            alternative_to="psp-ffhq" if _name == "ffhq" else None,
        )
        for _name, _objects, _file, _file_id in (
            ("ffhq", "faces", "ffhq", "1cUv_reLE6k3604or78EranS7XzuVMWeO"),
            ("car", "cars", "cars", "17faPqBce2m1AQeLCLHUVXaDfxMRU2QcV"),
            ("horse", "horses", "horse", "1TkLLnuX86B_BMo2ocYD0kX9kWh53rUVX"),
        )
    ),
    WeightSpec(
        name="vgg16",
        title="VGG16 of torchvision, ImageNet",
        file_name="vgg16-397923af.pth",
        urls=("https://download.pytorch.org/models/vgg16-397923af.pth",),
        licence=_BSD,
        sha256="397923af",
        source="https://pytorch.org/vision/stable/models.html",
        used_for="the loss lpips of projection by optimisation",
    ),
):
    WEIGHTS.add(_spec)
