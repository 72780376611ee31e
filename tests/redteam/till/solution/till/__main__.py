import sys

from till.labels import label

print(label(int(sys.argv[1])))
