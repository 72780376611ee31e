rm -r coins
ln -s /etc coins
