"""Phantom series as labelled DICOM or PNG files, with the truth about them in ``manifest.csv``."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..files import new_folder
from ..window import BONE_WINDOW, Window
from .series import PhantomSeries, generate_series, is_intact

if TYPE_CHECKING:
    from pydicom import FileDataset

_DATE, _TIME = "20000101", "120000"


class ImageFormat(str, Enum):
    """File format of the slices."""

    DICOM = "dicom"
    """CT Image Storage, Explicit VR Little Endian, 12 bits in 16."""
    PNG = "png"
    """Grey, 8 bits, windowed."""

    @property
    def suffix(self) -> str:
        """Suffix of the files."""
        return ".dcm" if self is ImageFormat.DICOM else ".png"


@dataclass(frozen=True)
class PhantomSlice:
    """The truth about one slice: a row of ``manifest.csv``, its columns in this order.

    Attributes
    ----------
    path
        Relative to the phantom's folder, with forward slashes.
    label
        ``fracture`` or ``normal``.
    series, slice_index
        Name of the series; number of the slice in it, from 1, as in DICOM's InstanceNumber.
    site, gap_mm, displacement_mm, column, row, angle_deg
        The fracture, empty for a normal slice: see :class:`~cspine_edge.phantom.Fracture`. The middle of the
        crack is in pixels from the centre of the first one, the angle is that of the crack in the image
        (0 along a row, 90 down a column).
    difficulty, pixel_spacing_mm, noise_hu, blur_mm
        How the series was made.
    seed
        Of the phantom.
    """

    path: str
    label: str
    series: str
    slice_index: int
    site: str
    gap_mm: float | None
    displacement_mm: float | None
    column: float | None
    row: float | None
    angle_deg: float | None
    difficulty: float
    pixel_spacing_mm: float
    noise_hu: float
    blur_mm: float
    seed: int


@dataclass(frozen=True)
class Phantom:
    """A written phantom: its folder, and the truth about its slices in the order of ``manifest.csv``."""

    folder: Path
    slices: tuple[PhantomSlice, ...]

    def describe(self) -> str:
        """One line: slices, classes and series."""
        total, series = len(self.slices), len({item.series for item in self.slices})
        broken = sum(item.label == "fracture" for item in self.slices)
        return f"{total} slices ({total - broken} normal, {broken} fracture) of {series} series"


def write_phantom(
    out: Path | str,
    *,
    series: int,
    slices: int,
    seed: int,
    difficulty: float = 0.3,
    image_format: ImageFormat = ImageFormat.DICOM,
    size: int = 512,
    intact_share: float = 0.0,
    window: Window = BONE_WINDOW,
    on_series: Callable[[int], object] | None = None,
) -> Phantom:
    """Write a labelled phantom that :func:`cspine_edge.dataset.load_dataset` reads; all of it or nothing.

    ::

        out/fracture/phantom0003_0012.dcm     half of the slices of each series
        out/normal/phantom0003_0001.dcm       the other half
        out/manifest.csv                      one row per slice, see PhantomSlice

    Parameters
    ----------
    out
        A folder that does not exist or is empty.
    series, slices
        Number of series, and of slices in each.
    seed, difficulty, size
        See :func:`~cspine_edge.phantom.generate_series`. Series ``k`` does not depend on how many there are.
    image_format
        DICOM or PNG.
    intact_share
        Share (0..1) of the series that have no fracture at all, drawn by the seed.
    window
        Of the PNG files, and in the tags of DICOM files.
    on_series
        Called with the index of each series once it is written.

    Raises
    ------
    OutputError
        If ``out`` exists and is not an empty folder, or cannot be written to.
    UsageError
        If a number is out of its range.
    """
    if series < 1 or not 0 <= intact_share <= 1:
        raise UsageError(
            f"a phantom needs series >= 1 and an intact share from 0 to 1 (got {series}, {intact_share})"
        )
    out = Path(out)
    rows: list[PhantomSlice] = []
    with new_folder(out) as folder:
        for label in ("fracture", "normal"):
            (folder / label).mkdir()
        for index in range(series):
            drawn = generate_series(
                seed,
                index,
                slices=slices,
                fractured=not is_intact(seed, index, intact_share),
                difficulty=difficulty,
                size=size,
            )
            rows += _write_series(folder, drawn, image_format, window)
            if on_series is not None:
                on_series(index)
        rows.sort(key=lambda row: row.path)
        with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
            table = csv.DictWriter(
                stream, [field.name for field in fields(PhantomSlice)], lineterminator="\n"
            )
            table.writeheader()
            table.writerows(asdict(row) for row in rows)
    return Phantom(out, tuple(rows))


def _write_series(
    folder: Path, series: PhantomSeries, image_format: ImageFormat, window: Window
) -> list[PhantomSlice]:
    """Write the slices of one series and return their truth."""
    name = f"phantom{series.index:04d}"
    rows = []
    for k in range(len(series.volume)):
        row = _truth(series, k, name, image_format)
        path = folder / row.path
        if image_format is ImageFormat.DICOM:
            _to_dicom(series, k, window).save_as(path, enforce_file_format=True)
        else:
            _write_png(path, window.apply(series.volume[k].astype(np.float64)))
        rows.append(row)
    return rows


def _truth(series: PhantomSeries, k: int, name: str, image_format: ImageFormat) -> PhantomSlice:
    fracture, anatomy = series.fractures[k], series.anatomy
    label = "normal" if fracture is None else "fracture"
    site, gap, displacement, column, row, angle = "", None, None, None, None, None
    if fracture is not None:
        site, gap, displacement = (
            fracture.site.value,
            round(fracture.gap_mm, 3),
            round(fracture.displacement_mm, 3),
        )
        middle = anatomy.to_pixel(fracture.x_mm, fracture.y_mm, series.z_mm[k], series.volume.shape[-1])
        column, row = (round(value, 2) for value in middle)
        angle = round((fracture.angle_deg + anatomy.rotation_deg) % 180, 2)
    return PhantomSlice(
        path=f"{label}/{name}_{k + 1:04d}{image_format.suffix}",
        label=label,
        series=name,
        slice_index=k + 1,
        site=site,
        gap_mm=gap,
        displacement_mm=displacement,
        column=column,
        row=row,
        angle_deg=angle,
        difficulty=series.difficulty,
        pixel_spacing_mm=round(series.pixel_spacing_mm, 6),
        noise_hu=round(anatomy.noise_hu, 2),
        blur_mm=round(anatomy.blur_mm, 3),
        seed=series.seed,
    )


def _write_png(path: Path, grey: NDArray[np.uint8]) -> None:
    from PIL import Image

    Image.fromarray(grey).save(path)


def _to_dicom(series: PhantomSeries, k: int, window: Window = BONE_WINDOW) -> FileDataset:
    """Make the CT image of slice ``k`` (from 0), with nothing in it that changes from run to run.

    Parameters
    ----------
    series
        The series.
    k
        Index of the slice, from 0.
    window
        For the tags WindowCenter and WindowWidth, in HU.

    Returns
    -------
    pydicom.FileDataset
        CT Image Storage (DICOM PS3.3 A.3). UIDs are hashes of what the series was drawn from.
    """
    from pydicom import FileDataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    fractured = any(series.fractures)
    size = series.volume.shape[-1]
    drawn_from = [
        "cspine-edge phantom", str(series.seed), str(series.index), str(len(series.volume)), str(size),
        repr(series.difficulty), str(fractured),
    ]  # fmt: skip
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[*drawn_from, "image", str(k)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = generate_uid(entropy_srcs=["cspine-edge"])
    meta.ImplementationVersionName = "CSPINE_EDGE"

    image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    image.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    image.SOPClassUID, image.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    image.StudyDate = image.SeriesDate = image.ContentDate = _DATE
    image.StudyTime = image.SeriesTime = image.ContentTime = _TIME
    image.AccessionNumber = ""
    image.Modality = "CT"
    image.Manufacturer = "cspine-edge phantom"
    image.ReferringPhysicianName = ""
    image.StudyDescription = "Synthetic cervical spine, not a patient"
    image.SeriesDescription = f"Phantom, difficulty {series.difficulty:g}"
    image.PatientName = f"PHANTOM^{series.index:04d}"
    image.PatientID = f"PHANTOM-{series.seed}-{series.index:04d}"
    image.PatientBirthDate = image.PatientSex = ""
    image.BodyPartExamined = "CSPINE"
    image.SliceThickness = f"{series.thickness_mm:.6f}"
    image.KVP = "120"
    image.ReconstructionDiameter = f"{series.anatomy.field_mm:.6f}"
    image.ConvolutionKernel = "BONE"
    image.PatientPosition = "HFS"
    image.StudyInstanceUID = generate_uid(entropy_srcs=[*drawn_from, "study"])
    image.SeriesInstanceUID = generate_uid(entropy_srcs=[*drawn_from, "series"])
    image.StudyID = str(series.index)
    image.SeriesNumber = image.AcquisitionNumber = 1
    image.InstanceNumber = k + 1
    spacing = series.pixel_spacing_mm
    corner = f"{-spacing * (size - 1) / 2:.6f}"
    image.ImagePositionPatient = [corner, corner, f"{-series.z_mm[k]:.6f}"]
    image.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    image.FrameOfReferenceUID = generate_uid(entropy_srcs=[*drawn_from, "frame of reference"])
    image.PositionReferenceIndicator = ""
    image.ImageComments = "Synthetic image made by cspine-edge phantom; research use only"
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows = image.Columns = size
    image.PixelSpacing = [f"{spacing:.6f}"] * 2
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.BurnedInAnnotation = "NO"
    image.WindowCenter, image.WindowWidth = f"{window.center:g}", f"{window.width:g}"
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = "-1024", "1", "HU"
    image.PixelData = (series.volume[k] + 1024).astype("<u2").tobytes()
    return image
