// One map in shards: nextflow run main.nf --study study.zarr --shards 32
params.study = 'study.zarr'
params.shards = 32
params.map = 'tsnr.nii.gz'

process SHARD {
    cpus 2
    memory '640 MB'
    errorStrategy 'retry'
    maxRetries 2

    input:
    // A whole path, not a staged link: the merge opens the headers of the same files.
    tuple val(study), val(index)

    output:
    path 'tsnr.part-*.zarr'

    script:
    """
    voxstore tsnr ${study} --shard ${index}/${params.shards} -o . --memory 512MiB --threads ${task.cpus} --no-progress
    """
}

process MERGE {
    memory '640 MB'
    publishDir '.', mode: 'copy'

    input:
    path parts

    output:
    path "${params.map}"

    script:
    """
    voxstore merge ${parts} -o ${params.map} --memory 512MiB --no-progress
    """
}

workflow {
    study = file(params.study).toAbsolutePath().toString()
    shards = Channel.of(0..(params.shards as int) - 1).map { index -> tuple(study, index) }
    MERGE(SHARD(shards).collect())
}
