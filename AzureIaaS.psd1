@{
    RootModule           = 'bin/AzureIaaS.dll'
    ModuleVersion        = '0.1.0'
    CompatiblePSEditions = 'Core'
    PowerShellVersion    = '7.4'
    GUID                 = '6f0b2c3e-6a55-4d0f-9a3c-0c3b1d3a7a51'
    Author               = 'The AzureIaaS authors'
    Copyright            = '(c) The AzureIaaS authors. MIT License.'
    Description          = 'Imports virtual machines exactly as they run on premises, runs them as persistent machines with the semantics of the cloud, and rehearses what happens when their host dies.'
    FormatsToProcess     = 'bin/AzureIaaS.Format.ps1xml'
    FunctionsToExport    = @()
    AliasesToExport      = @()
    VariablesToExport    = @()
    CmdletsToExport      = @(
        'Add-IaaSVmDisk'
        'Checkpoint-IaaSVm'
        'Connect-IaaS'
        'Convert-IaaSImage'
        'Disconnect-IaaS'
        'Get-IaaSContext'
        'Get-IaaSFailover'
        'Get-IaaSHost'
        'Get-IaaSImage'
        'Get-IaaSOperation'
        'Get-IaaSVm'
        'Get-IaaSVmCheckpoint'
        'Get-IaaSVmConsole'
        'Get-IaaSVmDisk'
        'Get-IaaSVmScreenshot'
        'Import-IaaSVm'
        'Invoke-IaaSFailover'
        'Invoke-IaaSVmCommand'
        'Move-IaaSVm'
        'New-IaaSHost'
        'Remove-IaaSHost'
        'Remove-IaaSVm'
        'Remove-IaaSVmCheckpoint'
        'Remove-IaaSVmDisk'
        'Restart-IaaSVm'
        'Restore-IaaSVmCheckpoint'
        'Resume-IaaSHost'
        'Resume-IaaSOperation'
        'Resume-IaaSVm'
        'Set-IaaSVm'
        'Start-IaaSVm'
        'Stop-IaaSHost'
        'Stop-IaaSVm'
        'Suspend-IaaSHost'
        'Suspend-IaaSVm'
        'Undo-IaaSOperation'
        'Wait-IaaSVm'
        'Watch-IaaSFabric'
    )
    PrivateData          = @{
        PSData = @{
            Tags = 'VM', 'IaaS', 'Migration', 'VHDX', 'VMDK', 'qcow2', 'QEMU', 'Failover', 'Azure', 'Linux', 'PSEdition_Core'
        }
    }
}
