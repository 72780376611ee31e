ln -s b a
ln -s a b
ln -s . coins/again
ln -s ../../.. up
ln -s self coins/self
