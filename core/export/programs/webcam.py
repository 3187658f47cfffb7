"""Shows what the webcam sees, and what it is:  python webcam.py [camera number]      q ends it.

Needs what predict.py needs, and: python -m pip install opencv-python
"""

import os
import sys

import cv2  # type: ignore[import-not-found,unused-ignore]
from PIL import Image
from predict import answer, load, square_of  # type: ignore[import-not-found]

model = load(os.cpu_count() or 1)
camera = cv2.VideoCapture(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
if not camera.isOpened():
    sys.exit("There is no such camera, or another program uses it.")
while cv2.waitKey(1) & 0xFF != ord("q"):
    there, frame = camera.read()
    if not there:
        sys.exit("The camera sends no pictures any more.")
    said = answer(model, square_of(Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))))
    words = f"{said['label'] if said['sure'] else 'not sure'}  {said['probability']:.0%}  {said['milliseconds']:.0f} ms"
    for colour, width in (((0, 0, 0), 5), ((255, 255, 255), 2)):
        cv2.putText(frame, words, (16, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, colour, width)
    cv2.imshow("webcam", frame)
