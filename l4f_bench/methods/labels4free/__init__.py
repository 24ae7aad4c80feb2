"""Labels4Free: masks from the features of a frozen StyleGAN2."""
