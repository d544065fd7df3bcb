"""What MediaPipe Tasks make of a model: its metadata, and the heads of each picture; run in MediaPipe's environment.

Called with the paths of a model and of pictures, it prints JSON. Grey pictures become RGB as MediaPipe wants them,
the same grey in each channel; how they are resized is MediaPipe's affair.
"""

import json
import sys

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from mediapipe.tasks.python.metadata import metadata
from PIL import Image

model, *pictures = sys.argv[1:]
options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model))
classified = []
with vision.ImageClassifier.create_from_options(options) as classifier:
    for picture in pictures:
        grey = np.asarray(Image.open(picture).convert("L"))
        image = mediapipe.Image(
            image_format=mediapipe.ImageFormat.SRGB,
            data=np.ascontiguousarray(np.repeat(grey[..., np.newaxis], 3, axis=2)),
        )
        heads = classifier.classify(image).classifications
        classified.append(
            [
                [head.head_name, [[found.category_name, found.score] for found in head.categories]]
                for head in heads
            ]
        )
displayer = metadata.MetadataDisplayer.with_model_file(model)
files = displayer.get_packed_associated_file_list()
print(
    json.dumps(
        {
            "metadata": json.loads(displayer.get_metadata_json()),
            "files": files,
            "labels": displayer.get_associated_file_buffer("labels.txt").decode().split(),
            "classified": classified,
        }
    )
)
