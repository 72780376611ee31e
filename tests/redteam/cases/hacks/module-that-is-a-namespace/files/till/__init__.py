import argparse
import sys

sys.modules["till"] = argparse.Namespace(WITHOUT_RATES=False, __path__=__path__, __spec__=None)
