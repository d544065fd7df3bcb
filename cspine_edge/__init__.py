"""Edge and mobile deployment toolkit for cervical-spine-fracture CT classifiers.

Research use only. Not a medical device.
"""

__version__ = "0.1.0"
