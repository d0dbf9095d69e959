"""The tasks of a repair: what each strategy is given for each half of the variant."""

from shiftassay.datasets.distorted import named_dataset
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.labels import check_range
from shiftassay.models.classifier import Classifier
from shiftassay.models.predict import predict
from shiftassay.repairs.bench import Bench
from shiftassay.repairs.strategy import Task
from shiftassay.training.engine import split

HELD_OUT = 5000
SHARED = 0.01  # of the reference that may be among the training images, as duplicates are


def training_images(bench: Bench, train: ImageSet | None) -> ImageSet | None:
    """The images to train on: those given, or those that the model's card names.

    None if they have another shape. Raises `BadInput` without labels, and if images that repairs are judged on are
    among them.
    """
    if train is None and isinstance(bench.model, Classifier):
        try:
            train = named_dataset(bench.model.card.data).train
        except BadInput:
            train = None
    if train is None or train.shape != bench.reference.shape:
        return None
    if train.labels is None:
        raise BadInput(f"{train.name}: no labels to train on. Put labels.npy beside the images.")
    content = {image.tobytes() for image in train.images}
    for images in (bench.reference, bench.shifted):
        common = sum(image.tobytes() in content for image in images.images)
        if common > SHARED * len(images):
            raise BadInput(
                f"{train.name}: {common:,} of the {len(images):,} images of {images.name} are among the training "
                "images, so that a repair would be judged on what it was trained on. Pass other training images."
            )
    return train


def tasks_of(bench: Bench, data: ImageSet | None, *, epochs: int, images: int) -> list[Task]:
    """The task of each half; none if what happened on one of them is unknown.

    `images` are shown in an epoch.
    """
    first, second = bench.shifts
    if first is None or second is None:
        return []
    classes = predict(bench.reference.images[:2], model=bench.model).shape[1]
    if data is not None and data.labels is not None:
        check_range(data.labels, classes, data.name)
    cut = split(data, min(HELD_OUT, len(data) // 10), classes) if data is not None else None
    return [
        Task(
            shift=shift,
            share=half.verdict.share,
            model=bench.model,
            train=ImageSet(cut.images, cut.labels, data.name) if cut and data else None,
            held_out=cut.validation if cut else None,
            classes=classes,
            shape=bench.reference.shape,
            epochs=epochs,
            images=images,
            seed=bench.seed,
            device=bench.device,
        )
        for shift, half in zip((first, second), bench.halves, strict=True)
    ]
